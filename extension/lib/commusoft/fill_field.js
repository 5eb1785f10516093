// @ts-check
// Fill one field as a person's typing would, see whether the page took it over, and undo it where it did not.

(() => {
  const tools = /** @type {{crmlinkPage: import("./types.js").PageTools}} */ (/** @type {unknown} */ (globalThis)).crmlinkPage;
  const { rootsOf } = tools;

  const SETTLES = 800; // milliseconds until a page has done what it does after typing
  const DIRTY_BY = 3_000; // a model may take a value only when typing has paused
  const POLL_MS = 100;
  const CONTROLS = "input, select, textarea, [contenteditable]";

  /** @typedef {import("./types.js").Filled} Filled */
  /**
   * `same`: the page is still the record's, `again`: its field, where the page draws a new one with each key, `own`: our panel.
   * @typedef {{same: () => boolean, again?: () => HTMLInputElement | null, own?: Element}} Guard
   */

  /** @typedef {{others: Map<Element, string>, wasInvalid: boolean, old: string, guard: Guard}} Before */

  /** @param {number} milliseconds @returns {Promise<void>} */
  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  /**
   * The browser's own setter: a framework may have put one of its own over it, to notice what is not typed.
   * @param {HTMLInputElement} field
   * @param {string} value
   */
  function setValue(field, value) {
    for (let at = Object.getPrototypeOf(field); at; at = Object.getPrototypeOf(at)) {
      const setter = Object.getOwnPropertyDescriptor(at, "value")?.set;
      if (setter) return setter.call(field, value);
    }
    field.value = value;
  }

  /** @param {HTMLInputElement} field @param {string} value */
  function type(field, value) {
    const view = /** @type {Window & typeof globalThis} */ (field.ownerDocument.defaultView);
    const all = { bubbles: true, composed: true };
    let left = false;
    const note = () => (left = true);
    field.focus({ preventScroll: true });
    field.dispatchEvent(new view.KeyboardEvent("keydown", { ...all, key: "Unidentified", cancelable: true }));
    setValue(field, value);
    field.dispatchEvent(new view.InputEvent("input", { ...all, data: value, inputType: "insertText" }));
    field.dispatchEvent(new view.KeyboardEvent("keyup", { ...all, key: "Unidentified" }));
    field.dispatchEvent(new view.Event("change", { bubbles: true }));
    field.addEventListener("blur", note, { once: true });
    field.blur();
    field.removeEventListener("blur", note);
    if (left) return;
    // A window in the background has no focus to lose.
    field.dispatchEvent(new view.FocusEvent("blur", { composed: true }));
    field.dispatchEvent(new view.FocusEvent("focusout", all));
  }

  /** What a control holds, as text. @param {Element} control */
  function stateOf(control) {
    const one = /** @type {HTMLInputElement & HTMLSelectElement} */ (control);
    if (one.localName === "select") return [...one.options].map((option) => (option.selected ? "1" : "0")).join("");
    if (one.localName === "input" || one.localName === "textarea") return /^(?:checkbox|radio)$/.test(one.type) ? String(one.checked) : one.value;
    return one.textContent ?? "";
  }

  /** @param {HTMLInputElement} field */
  function othersOf(field) {
    const document = topDocument(field.ownerDocument);
    const all = rootsOf(document).flatMap((root) => [...root.querySelectorAll(CONTROLS)]).filter((one) => one !== field);
    return new Map(all.map((one) => [one, stateOf(one)]));
  }

  /** @param {Document} document */
  function topDocument(document) {
    for (let at = document; ; ) {
      const outer = /** @type {Document | null | undefined} */ (tools.parentOf(at)?.ownerDocument);
      if (!outer) return at;
      at = outer;
    }
  }

  /**
   * Those that hold something else now, with what they held. A hidden one that repeats what was filled is the page's way
   * to send it, if it held the same as the field before.
   * @param {Map<Element, string>} before
   * @param {HTMLInputElement} field
   * @param {string} value
   * @param {string} old what the field held
   * @returns {[Element, string | null][]} null where it is not known what it held
   */
  function changed(before, field, value, old) {
    const differs = (/** @type {Element} */ one, /** @type {string} */ held) => stateOf(one) !== held &&
      !(/** @type {HTMLInputElement} */ (one).type === "hidden" && stateOf(one) === value && (held === "" || held === old));
    const all = [...before];
    const lost = all.filter(([one]) => !one.isConnected);
    return [...all.filter(([one, held]) => one.isConnected && differs(one, held)), ...(lost.length > 0 ? changedAnew(before, lost, field, value, differs) : [])];
  }

  /** @param {Element} control what the page's code calls it; "" where it has no name of its own */
  const codeNameOf = (control) => {
    const names = ["id", "name", "formcontrolname", "ng-model"].map((name) => control.getAttribute(name) ?? "");
    return names.join("") === "" ? "" : [control.localName, /** @type {HTMLInputElement} */ (control).type, ...names].join(" ");
  };

  /**
   * Where the page drew its fields anew, those that came in another's place count as that one.
   * @param {Map<Element, string>} before
   * @param {[Element, string][]} lost
   * @param {HTMLInputElement} field
   * @param {string} value
   * @param {(one: Element, held: string) => boolean} differs
   * @returns {[Element, string | null][]}
   */
  function changedAnew(before, lost, field, value, differs) {
    const drawn = [...othersOf(field).keys()].filter((one) => !before.has(one));
    return drawn.flatMap((one) => {
      const name = codeNameOf(one);
      const same = lost.filter(([earlier]) => name !== "" && codeNameOf(earlier) === name);
      const held = same.length === 1 ? (same[0]?.[1] ?? "") : null;
      const astray = held === null ? value !== "" && stateOf(one) === value : differs(one, held);
      return astray ? [/** @type {[Element, string | null]} */ ([one, held])] : [];
    });
  }

  /** Whether something lies over the field, so that a person could not type there. @param {HTMLInputElement} field @param {Element | undefined} own */
  function isCovered(field, own) {
    field.scrollIntoView?.({ block: "center" });
    const { left, top, width, height } = field.getBoundingClientRect();
    if (width === 0 || !field.ownerDocument.elementsFromPoint) return false;
    return ![0.1, 0.5, 0.9].some((share) => isOnTop(field, left + width * share, top + height / 2, own));
  }

  /**
   * Whether a click there would reach the field, through every frame that it is in.
   * @param {Element} element
   * @param {number} x
   * @param {number} y
   * @param {Element | undefined} own
   * @returns {boolean}
   */
  function isOnTop(element, x, y, own) {
    const root = /** @type {Document} */ (element.getRootNode());
    const [first] = root.elementsFromPoint(x, y).filter((one) => one !== own);
    if (!first || !(first === element || element.contains(first) || first.contains(element) || isLabel(first, /** @type {HTMLInputElement} */ (element)))) return false;
    const outer = root.nodeType === 11 ? /** @type {any} */ (root).host : element.ownerDocument.defaultView?.frameElement;
    if (!outer) return true;
    const { left, top } = root.nodeType === 11 ? { left: 0, top: 0 } : outer.getBoundingClientRect();
    return isOnTop(outer, x + left, y + top, own);
  }

  /** @param {Element} element @param {HTMLInputElement} field */
  const isLabel = (element, field) => {
    const label = element.closest("label");
    if (!label || [...(field.labels ?? [])].includes(label)) return label !== null;
    return !label.control && (tools.parentOf(field)?.contains(label) ?? false);
  };

  /** Whether a framework that marks its fields has taken the value over; null where it marks none. @param {Element} field */
  function isTaken(field) {
    if (field.classList.contains("ng-dirty")) return true;
    return field.classList.contains("ng-pristine") ? false : null;
  }

  /** @param {HTMLInputElement} field */
  function isInvalid(field) {
    return field.classList.contains("ng-invalid") || field.getAttribute("aria-invalid") === "true" || !field.validity.valid;
  }

  /** @param {HTMLInputElement} field @param {string} value @returns {Filled["why"]} why it cannot be filled */
  function hindrance(field, value) {
    if (value !== value.trim() || /[\u0000-\u001f\u007f]/.test(value)) return "spaces";
    if (field.maxLength >= 0 && value.length > field.maxLength) return "too-long";
    return null;
  }

  /**
   * What the page made of it.
   * @param {HTMLInputElement} field
   * @param {string} value
   * @param {Before} before
   * @returns {Promise<{why: Filled["why"], now: HTMLInputElement | null}>} now: the field as it is drawn now
   */
  async function outcome(field, value, before) {
    const { guard } = before;
    await pause(SETTLES);
    for (let waited = SETTLES; isTaken(field) === false && field.value === value && waited < DIRTY_BY; waited += POLL_MS) await pause(POLL_MS);
    if (!guard.same()) return { why: "moved", now: null };
    const now = field.isConnected ? field : (guard.again?.() ?? null);
    return { why: now ? judged(now, value, before) : "gone", now };
  }

  /**
   * @param {HTMLInputElement} field
   * @param {string} value
   * @param {Before} before
   * @returns {Filled["why"]}
   */
  function judged(field, value, { others, wasInvalid, old }) {
    if (field.value !== value) return "changed";
    if (isTaken(field) === false) return "not-taken";
    if (!wasInvalid && isInvalid(field)) return "invalid";
    return changed(others, field, value, old).length > 0 ? "others" : null;
  }

  /**
   * @param {HTMLInputElement} field
   * @param {string} value
   * @param {Guard} guard
   * @returns {Promise<Filled>}
   */
  async function fillField(field, value, guard) {
    /** @param {Filled["why"]} why @returns {Filled} */
    const untouched = (why) => ({ ok: false, why, restored: true });
    const hindered = hindrance(field, value);
    if (hindered) return untouched(hindered);
    if (!field.isConnected) return untouched("gone");
    if (isCovered(field, guard.own)) return untouched("covered");
    if (!guard.same()) return untouched("moved");
    const old = field.value;
    const before = { others: othersOf(field), wasInvalid: isInvalid(field), old, guard };
    // A page may do something of its own when a field is entered.
    field.focus({ preventScroll: true });
    if (!field.isConnected) return untouched("gone");
    if (!guard.same()) return untouched("moved");
    // One that is emptied when it is entered must not be saved like that.
    if (field.value === "" && old !== "") return { ok: false, why: "changed", restored: await putBack(field, value, before) };
    if (field.value !== old || field.matches("[readonly], :disabled, [aria-readonly=true], [aria-disabled=true]")) return untouched("changed");
    type(field, value);
    const { why, now } = await outcome(field, value, before);
    if (why === null) return { ok: true, why, restored: false, ...(now && now !== field ? { field: now } : {}) };
    // What the page made of it cannot be seen.
    if (why === "gone") return { ok: false, why, restored: false };
    // The field may be another record's by now, with that one's value in it.
    if (why === "moved" && (!field.isConnected || field.value !== value)) return { ok: false, why, restored: true };
    return { ok: false, why, restored: await putBack(now ?? field, value, before) };
  }

  /**
   * @param {HTMLInputElement} field
   * @param {string} value that was filled
   * @param {Before} before
   */
  async function putBack(field, value, { others, old }) {
    if (field.isConnected) type(field, old);
    for (const [one, held] of changed(others, field, value, old)) {
      if (held !== null && one.localName === "input" && !/^(?:checkbox|radio|file|hidden)$/.test(/** @type {HTMLInputElement} */ (one).type)) type(/** @type {HTMLInputElement} */ (one), held);
    }
    await pause(SETTLES);
    const left = [...changed(others, field, old, old), ...changed(others, field, value, old).filter(([, held]) => held === null)];
    return (!field.isConnected || field.value === old) && left.length === 0;
  }

  Object.assign(tools, { fillField });
})();
