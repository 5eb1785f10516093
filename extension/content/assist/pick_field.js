// @ts-check
// An admin shows crmlink the reference's field: points at it, or goes to it with the keyboard, and sees it framed.

(() => {
  const own = /** @type {{crmlinkPanel: import("./types.js").PanelTools, crmlinkPage: import("../../lib/commusoft/types.js").PageTools}} */ (/** @type {unknown} */ (globalThis));
  const tools = own.crmlinkPage;

  const FRAME = "crmlink-frame";
  const NAMES = ["formcontrolname", "name", "ng-model", "data-ng-model", "data-testid"];
  /** Where a record's number, or one that is drawn anew each time, is part of a name, it is not lasting. */
  const PASSING = /[0-9]{2,}|^(?:mat-input|cdk|ember|react|radix|headlessui|:r)/i;

  /** @param {HTMLInputElement} field */
  function describeField(field) {
    const root = /** @type {Document} */ (field.getRootNode());
    const selector = [field.id && /^[A-Za-z_][\w-]*$/.test(field.id) && !PASSING.test(field.id) ? `#${field.id}` : "",
      ...NAMES.map((name) => attributeSelector(field, name))].filter(Boolean).find((one) => root.querySelectorAll(one).length === 1);
    const { texts, column } = tools.nameOf(field);
    // A field without words beside it is known by the name that the page's own code has for it.
    const label = (texts[0] || column || (selector && (/"(.*)"/.exec(selector)?.[1] ?? field.id)) || "").slice(0, 100);
    return selector && label ? { selector, label } : null;
  }

  /** @param {Element} field @param {string} name */
  function attributeSelector(field, name) {
    const value = field.getAttribute(name) ?? "";
    return /^[\w$.:()-]{1,100}$/.test(value) && !PASSING.test(value) ? `input[${name}="${value}"]` : "";
  }

  /**
   * @param {(field: HTMLInputElement) => void} picked
   * @param {(target: EventTarget | undefined) => boolean} isOwn
   */
  function pickField(picked, isOwn) {
    const frame = document.createElement(FRAME);
    for (const [name, value] of Object.entries({ all: "initial", position: "fixed", display: "none", "pointer-events": "none", "z-index": "2147483646", border: "3px solid #0f6b63", "border-radius": "6px", "box-shadow": "0 0 0 3px rgb(255 255 255 / 80%)" })) frame.style.setProperty(name, value, "important");
    document.documentElement.append(frame);
    const ending = new AbortController();
    /** @type {HTMLInputElement | null} */
    let at = null;

    /** @param {Event} event @returns {HTMLInputElement | null} */
    function fieldIn(event) {
      const [target] = /** @type {Element[]} */ (event.composedPath());
      if (target?.nodeType !== 1) return null;
      const label = /** @type {HTMLLabelElement | null} */ (target.closest("label"));
      return [target, label?.control ?? null, ...under(event, target)].find(isTextField) ?? null;
    }

    /** What lies under the pointer: a label may be drawn over its field. @param {Event} event @param {Element} target @returns {Element[]} */
    function under(event, target) {
      const { clientX, clientY } = /** @type {MouseEvent} */ (event);
      const root = /** @type {Document} */ (target.getRootNode());
      return clientX === undefined || !root.elementsFromPoint ? [] : root.elementsFromPoint(clientX, clientY);
    }

    /** @param {Element | null} element @returns {element is HTMLInputElement} */
    const isTextField = (element) => element?.localName === "input" && /** @type {HTMLInputElement} */ (element).type === "text";

    /** @param {HTMLInputElement | null} field */
    function outline(field) {
      at = field;
      if (!field) return frame.style.setProperty("display", "none", "important");
      const box = boxOf(field);
      for (const [name, value] of Object.entries({ display: "block", left: `${box.left - 5}px`, top: `${box.top - 5}px`, width: `${box.width + 4}px`, height: `${box.height + 4}px` })) frame.style.setProperty(name, value, "important");
    }

    /** @param {Event} event */
    function point(event) {
      if (!isOwn(event.composedPath()[0])) outline(fieldIn(event));
    }

    /** @param {Event} event */
    function choose(event) {
      if (isOwn(event.composedPath()[0])) return;
      const key = "key" in event ? event.key : "Enter";
      if (!event.isTrusted || key !== "Enter") return;
      const field = event.type === "keydown" ? at : fieldIn(event);
      if (!field) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      outline(field);
      picked(field);
    }

    for (const root of tools.rootsOf(document).filter((one) => one.nodeType === 9)) {
      const how = { capture: true, signal: ending.signal };
      root.addEventListener("pointermove", point, how);
      root.addEventListener("focusin", point, how);
      root.addEventListener("click", choose, how);
      root.addEventListener("keydown", choose, how);
    }
    return () => {
      ending.abort();
      frame.remove();
    };
  }

  /** Where a field is in the window, also one in a frame. @param {Element} field */
  function boxOf(field) {
    const { left, top, width, height } = field.getBoundingClientRect();
    const frame = field.ownerDocument.defaultView?.frameElement;
    const outer = frame ? frame.getBoundingClientRect() : { left: 0, top: 0 };
    return { left: left + outer.left, top: top + outer.top, width, height };
  }

  for (const left of document.querySelectorAll(FRAME)) left.remove();
  Object.assign(own.crmlinkPanel, { describeField, pickField });
})();
