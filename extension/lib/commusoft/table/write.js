// @ts-check
// One cell of the table: a field in it, or a grid's cell, which has a field only while it is edited.

(() => {
  /** @type {import("./types.js").CrmlinkTable} */
  const table = (/** @type {any} */ (globalThis).crmlinkTable ??= {});

  /** @typedef {HTMLInputElement | HTMLTextAreaElement} Field */
  /** @typedef {import("./types.js").Find} Find */

  const KEYS = { Enter: 13, Escape: 27, F2: 113 };
  const EDITOR = "textarea, input:not([type=checkbox], [type=radio], [type=hidden], [type=button], [type=submit])";
  const SELECTED = ".current, .area, .selected, .active, [aria-selected=true], :focus, :focus-within";
  /** How far an editor may be from the cell that it edits, in pixels. */
  const MAX_OFFSET = 8;

  /** Whether the value was handed to the page; `find` identifies the row anew, each time before something is done. */
  table.write = async (find, value, { enter = false } = {}) => {
    const cell = find()?.cell;
    if (!cell) return false;
    const field = table.field(cell);
    return field ? writeField(field, value, find, enter) : writeCell(find, value);
  };

  /** A grid that has a cell chosen takes the keys of the whole page. */
  table.release = (element) => {
    if (!element.closest(".handsontable")) return;
    const { documentElement } = element.ownerDocument;
    for (const type of ["mousedown", "mouseup"]) documentElement.dispatchEvent(new MouseEvent(type, { bubbles: true, composed: true, button: 0 }));
  };

  /**
   * @param {Field} field
   * @param {string} value
   * @param {Find} find
   * @param {boolean} enter
   */
  function writeField(field, value, find, enter) {
    field.focus({ preventScroll: true });
    // What the page does when a field is entered may draw its rows anew.
    const now = find();
    if (!now?.editable || !now.cell.contains(field)) return false;
    type(field, value);
    if (enter) press(field, "Enter");
    send(field, "change");
    field.blur();
    if (!field.ownerDocument.hasFocus()) send(field, "focusout");
    return true;
  }

  /**
   * @param {Find} find
   * @param {string} value
   */
  async function writeCell(find, value) {
    const row = find();
    if (!row) return false;
    click(row.cell);
    const editor = open(find) ?? (await openLater(find));
    const now = find();
    if (!editor) return now !== null && isSelected(now.cell) && paste(now.cell, value);
    // The editor must be this cell's, and hold what the cell holds.
    if (!now || editorOn(now.cell) !== editor || editor.value.trim() !== row.value) {
      press(editor, "Escape");
      return false;
    }
    type(editor, value);
    press(editor, "Enter");
    // A cell's own field may take its value only when it is left.
    if (now.cell.contains(editor)) editor.blur();
    return true;
  }

  /** A grid shows which cell its keys go to. @param {Element} cell */
  function isSelected(cell) {
    return cell.matches(SELECTED);
  }

  /** @param {Find} find @returns {Field | null} */
  function open(find) {
    for (const act of [
      (/** @type {Element} */ cell) => press(cell, "F2"),
      (/** @type {Element} */ cell) => press(cell, "Enter"),
      doubleClick,
    ]) {
      const cell = find()?.cell;
      // Keys go to the chosen cell, whichever that is: a grid that does not show it is opened by the mouse alone.
      if (!cell || (act !== doubleClick && !isSelected(cell))) continue;
      act(cell);
      const drawn = find()?.cell;
      const editor = drawn ? editorOn(drawn) : null;
      if (editor) return editor;
    }
    return null;
  }

  /** @param {Find} find */
  async function openLater(find) {
    await table.settle();
    const cell = find()?.cell;
    return cell ? editorOn(cell) : null;
  }

  /** The field that lies over a cell, or in it. @param {Element} cell @returns {Field | null} */
  function editorOn(cell) {
    const root = /** @type {Document | ShadowRoot} */ (cell.getRootNode());
    const bounds = cell.getBoundingClientRect();
    const over = [...root.querySelectorAll(EDITOR)].filter((one) => {
      if (cell.contains(one)) return true;
      const { left, top, width } = one.getBoundingClientRect();
      return width > 0 && Math.abs(left - bounds.left) <= MAX_OFFSET && Math.abs(top - bounds.top) <= MAX_OFFSET;
    });
    return over.length === 1 ? /** @type {Field} */ (over[0]) : null;
  }

  /** @param {Element} cell @param {string} value */
  function paste(cell, value) {
    if (typeof DataTransfer === "undefined" || typeof ClipboardEvent === "undefined") return false;
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", value);
    const focused = cell.ownerDocument.activeElement;
    const target = focused && focused !== cell.ownerDocument.body ? focused : cell;
    target.dispatchEvent(new ClipboardEvent("paste", { bubbles: true, cancelable: true, composed: true, clipboardData }));
    return true;
  }

  /** @param {Field} field @param {string} value */
  function type(field, value) {
    // A framework may have put its own property before the browser's, which would not tell it of a change.
    const own = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value");
    if (own?.set) own.set.call(field, value);
    else field.value = value;
    field.dispatchEvent(new InputEvent("input", { bubbles: true, composed: true, inputType: "insertReplacementText", data: value }));
    field.dispatchEvent(new KeyboardEvent("keyup", { bubbles: true, composed: true }));
  }

  /** @param {Element} element @param {string} type */
  function send(element, type) {
    element.dispatchEvent(new Event(type, { bubbles: true, composed: true }));
  }

  /** @param {Element} element @param {keyof typeof KEYS} key */
  function press(element, key) {
    const how = { key, code: key, keyCode: KEYS[key], which: KEYS[key], bubbles: true, cancelable: true, composed: true };
    element.dispatchEvent(new KeyboardEvent("keydown", how));
    element.dispatchEvent(new KeyboardEvent("keyup", how));
  }

  /** @param {Element} cell */
  function click(cell) {
    const { left, top, width, height } = cell.getBoundingClientRect();
    const how = { bubbles: true, cancelable: true, composed: true, button: 0, clientX: left + width / 2, clientY: top + height / 2, view: cell.ownerDocument.defaultView };
    for (const type of ["pointerover", "mouseover", "pointerdown", "mousedown", "pointerup", "mouseup", "click"]) {
      const Kind = type.startsWith("pointer") && typeof PointerEvent !== "undefined" ? PointerEvent : MouseEvent;
      const goesOn = cell.dispatchEvent(new Kind(type, { ...how, buttons: type.endsWith("down") ? 1 : 0 }));
      if (type === "mousedown" && goesOn) focusOn(cell);
    }
  }

  /** Where a person's click would put the keyboard: a browser does not for a click of ours. @param {Element} cell */
  function focusOn(cell) {
    const focusable = /** @type {HTMLElement | null} */ (cell.closest("[tabindex]"));
    if (focusable && table.isGrid(focusable) && !focusable.matches(":focus-within")) focusable.focus({ preventScroll: true });
  }

  /** @param {Element} cell */
  function doubleClick(cell) {
    click(cell);
    cell.dispatchEvent(new MouseEvent("dblclick", { bubbles: true, cancelable: true, composed: true, button: 0 }));
  }
})();
