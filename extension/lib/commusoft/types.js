// The shapes that our scripts share in a Commusoft page. They are classic scripts, for a browser runs no modules in
// pages: each puts what it offers into one object of our own world, which the page cannot see.

/** @typedef {"customer" | "supplier"} Kind */

/**
 * The record that a page is about. `names`: what it may be called on the page, `sure`: the person said that the page is its
 * own, whatever it is called there.
 * @typedef {{kind: Kind, number: string, names: string[], sure?: boolean}} Subject
 */

/**
 * A field that an admin showed, for pages whose label is not known.
 * @typedef {{selector: string, label: string}} FieldRule
 */

/**
 * `edits`: what begins editing. `textOnly`: what a field holds that takes nothing is not what the page shows. It may be on its way to be saved.
 * @typedef {{labels: string[], edits?: string[], subject: Subject, rule: FieldRule | null, textOnly?: boolean}} Search
 */

/**
 * Why a field with the right label is not to be filled.
 * @typedef {"hidden" | "readonly" | "disabled" | "not-text" | "search" | "sign-in" | "foreign" | "shared-label"} Unfit
 */

/**
 * @typedef {object} Found
 * @property {"one" | "none" | "several"} state how many fields fit
 * @property {HTMLInputElement | null} field the only one
 * @property {number} count of those that fit
 * @property {{control: Element, why: Unfit}[]} unfit those with the label that do not
 * @property {boolean} byRule
 * @property {Element} [label] the label, where only the drawing tells that it is the field's
 */

/**
 * What a page shows beside the label.
 * @typedef {{state: "shown", value: string} | {state: "empty"} | {state: "unknown"} | {state: "absent"}} Shown
 */

/**
 * @typedef {object} Reading
 * @property {Found} found
 * @property {Shown} shown beside the label, where it is text or a field that takes nothing
 */

/**
 * How filling a field ended.
 * @typedef {object} Filled
 * @property {boolean} ok
 * @property {"moved" | "gone" | "covered" | "too-long" | "spaces" | "changed" | "invalid" | "not-taken" | "others" | null} why
 * @property {boolean} restored whether everything is as it was; true where nothing was touched
 * @property {HTMLInputElement} [field] that holds it now, where the page drew a new one
 */

/**
 * What each of our scripts offers to those that are run after it.
 * @typedef {object} PageTools
 * @property {(text: string | null | undefined) => string} labelKey a label without case, punctuation and spaces
 * @property {(node: Node) => Node | null} parentOf as the page is drawn: out of shadow roots and frames
 * @property {(node: Node) => Node[]} childrenOf
 * @property {(element: Element) => boolean} isVisible
 * @property {(words: Node, control: Element) => boolean} isDrawnBefore
 * @property {(document: Document) => (Document | ShadowRoot)[]} rootsOf with open shadow roots and frames of the same origin
 * @property {(node: Node, skip?: (element: Element) => boolean) => string} textOf what a person reads in it, in one line
 * @property {(top: Node, until: Node, skip?: (element: Element) => boolean) => Block[]} blocksBefore what is written before a node, since the last control
 * @property {(element: Element) => boolean} isControl
 * @property {(control: Element) => Name} nameOf
 * @property {(element: Element, subject: Subject, signs?: {byHeading?: boolean}) => boolean} isForeign
 * @property {(element: Element, subject: Subject) => string[]} headingsOf
 * @property {(element: Element, subject: Subject) => boolean} isBesideWrittenName whether what is written there as a name is another's
 * @property {(link: Element, subject: Subject) => boolean} leadsToOther whether it leads to another record
 * @property {(document: Document, search: Search) => Found} findField
 * @property {(control: Element, subject: Subject, signs?: {byHeading?: boolean}) => Unfit | null} unfitness
 * @property {(document: Document, search: Search) => Shown} readShown
 * @property {(document: Document, search: Search) => Reading} readReference
 * @property {(reading: Reading) => boolean} agrees whether the text on the page goes with the field
 * @property {(document: Document, search: Search) => HTMLElement | null} findEdit the only thing to press that lets a person edit
 * @property {(document: Document, names: string[]) => boolean} showsSubject
 * @property {(field: HTMLInputElement, watch: {touched: WeakSet<EventTarget>, since: number}) => boolean} isAsLoaded
 * @property {(document: Document) => Element[]} failuresIn
 * @property {(document: Document) => boolean} holdsDraft whether the page says that it shows what was never saved
 * @property {(labels: string[], subject: Subject) => HTMLInputElement | null} detailField
 * @property {(field: HTMLInputElement, value: string, guard: {same: () => boolean, again?: () => HTMLInputElement | null, own?: Element}) => Promise<Filled>} fillField
 */

/**
 * What keeps a panel of ours over the page, in `content/on_top.js`.
 * @typedef {object} OnTop
 * @property {PageTools} [crmlinkPage]
 * @property {(host: HTMLElement, root: ShadowRoot) => {show: () => void, hide: () => void, leave: () => void}} crmlinkOnTop
 */

/**
 * A line of text. `top`: the child of the searched node that holds it, `alone`: there is no other text in that, `apart`: it
 * is in a list, a table or a link, and so not about what follows.
 * @typedef {{text: string, top: Node, alone: boolean, apart: boolean}} Block
 */

/**
 * What a control is called on the page: by the page's own saying (`explicit`), or by what is written beside it.
 * `column`: the heading of its column, where it is in a table.
 * @typedef {{texts: string[], column?: string, how: "explicit" | "beside" | "placeholder" | "none", group: Node | null}} Name
 */

export {};
