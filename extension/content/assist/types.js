// The shapes that the parts of our panel share in a Commusoft page.

/** @typedef {import("../../lib/linking/assist.js").AssistView} Job */

/** @typedef {{words: string, act: () => void, hint?: string}} PanelAction the first is the one that Enter takes */

/**
 * @typedef {object} PanelView
 * @property {string} title
 * @property {string[]} lines
 * @property {string} [small] who decided it, and when
 * @property {{before: string | null | undefined, after: string | null}} [change] undefined: not known
 * @property {PanelAction[]} actions
 * @property {"good" | "caution"} [tone]
 * @property {boolean} [asks] the keyboard is on the first action
 * @property {boolean} [waits] what comes next is done in the page: Enter takes no action here
 */

/**
 * @typedef {object} Panel
 * @property {HTMLElement} host
 * @property {(view: PanelView, how: {focus: boolean, field?: Element | null}) => void} show  field: it does not lie over it
 * @property {() => void} hide
 * @property {() => void} leave
 */

/**
 * @typedef {object} PanelTools
 * @property {(say: (key: string) => string, closed: () => void) => Panel} createPanel
 * @property {(picked: (field: HTMLInputElement) => void, isOwn: (target: EventTarget | undefined) => boolean) => () => void} [pickField]
 *   let the person point at a field; returns what ends it
 * @property {(field: HTMLInputElement) => {selector: string, label: string} | null} [describeField] how
 *   to find a field again on another record's page; null where it has no lasting name
 * @property {(words: Words) => Views} [createViews]
 * @property {(onInput: (target: EventTarget | undefined) => void, signal: AbortSignal) => Typing} [watchTyping]
 */

/**
 * @typedef {object} Typing
 * @property {WeakSet<EventTarget>} touched what a person typed into
 * @property {() => void} watchFrames watch frames that have come since, too
 * @property {() => boolean} holdsUnsaved whether the page would lose what a person typed
 */

/**
 * What a page allows now.
 * @typedef {{kind: "waiting" | "doubt" | "save" | "differs" | "edited"}
 *   | {kind: "several", count: number}
 *   | {kind: "ready", field: HTMLInputElement, value: string | null}
 *   | {kind: "seen", value: string | null}
 *   | {kind: "shown", value: string | null | undefined, edit: HTMLElement | null}
 *   | {kind: "missing", why: import("../../lib/commusoft/types.js").Unfit | null, edit: HTMLElement | null}} Situation
 */

/** @typedef {(key: string, ...values: string[]) => string} Words */

/**
 * What the person can do.
 * @typedef {object} Steps
 * @property {() => void} fill
 * @property {(edit: HTMLElement) => void} edit
 * @property {() => void} withdraw
 * @property {() => void} close
 * @property {() => void} again
 * @property {() => void} sure
 * @property {() => void} pick
 */

/** @typedef {{situation: (now: Situation, job: Job, steps: Steps) => PanelView | null, outcome: (link: Job["link"], steps: Steps) => PanelView, [name: string]: any}} Views */

export {};
