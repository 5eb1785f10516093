// @ts-check
// A page as a person sees it: what is drawn, and what is written where. Frames of the same origin and open shadow
// roots count as parts of it.

(() => {
  const own = /** @type {{crmlinkPage?: import("./types.js").PageTools}} */ (/** @type {unknown} */ (globalThis));
  const tools = (own.crmlinkPage ??= /** @type {import("./types.js").PageTools} */ ({}));

  const MAX_ROOTS = 200;
  const MAX_LABEL = 120;
  const MIN_SIZE = 4; // pixels: a smaller field is not there for people
  const SILENT = /^(?:script|style|template|noscript|svg|canvas|object|option|datalist)$/i;
  const BREAKS = /^(?:br|hr|label|legend|th|td|dt|dd|li|h[1-6]|p|div|tr|summary)$/i;
  /** What is written in one of these is not about what follows it: it has a place of its own. */
  const APART = "dl, table, ul, ol, menu, nav, [role=list], [role=listbox], [role=menu], [role=menubar], [role=tablist], [role=table], [role=grid], [role=log], a, [role=link], [role=tab], [role=option], [role=menuitem]";
  const HELP = /^(?:what(?:s|is)this|help|helptext|learnmore|moreinfo(?:rmation)?|moredetails|info|i|)$/;
  const ICON = /(?:^|[\s_-])(?:material-icons?(?:-outlined)?|material-symbols[\w-]*|glyphicon|icon|fa|fas|far)(?:$|[\s_-])/i;

  /** @param {string | null | undefined} text */
  function labelKey(text) {
    if (!text || text.length > MAX_LABEL) return "";
    const plain = text.replace(/\((?:optional|required)\)|(?<=\s)(?:optional|required|mandatory)\s*$/gi, " ").replace(/[\p{P}\p{S}]/gu, "");
    return plain.normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
  }

  /** @param {Node} node @returns {node is Element} */
  const isElement = (node) => node.nodeType === 1;

  /** @param {Node} node */
  function parentOf(node) {
    if (node.nodeType === 9) return frameOf(/** @type {Document} */ (node));
    const slot = /** @type {Element} */ (node).assignedSlot;
    if (slot) return slot;
    const parent = node.parentNode;
    return parent?.nodeType === 11 && "host" in parent ? /** @type {ShadowRoot} */ (parent).host : parent;
  }

  /** @param {Document} document */
  function frameOf(document) {
    try {
      return document.defaultView?.frameElement ?? null;
    } catch {
      return null; // of another origin
    }
  }

  /** @param {Element} frame */
  function documentIn(frame) {
    try {
      return /** @type {HTMLIFrameElement} */ (frame).contentDocument ?? null;
    } catch {
      return null;
    }
  }

  /** @param {Node} node */
  function childrenOf(node) {
    if (!isElement(node)) return [...node.childNodes];
    if (/^i?frame$/i.test(node.localName)) return [documentIn(node)?.body].filter((one) => one !== undefined && one !== null);
    if (node.shadowRoot) return [...node.shadowRoot.childNodes];
    if (node.localName === "slot") {
      const given = /** @type {HTMLSlotElement} */ (node).assignedNodes({ flatten: true });
      if (given.length > 0) return given;
    }
    return [...node.childNodes];
  }

  /** @param {Document} document */
  function rootsOf(document) {
    /** @type {(Document | ShadowRoot)[]} */
    const roots = [document];
    for (let at = 0; at < roots.length && roots.length < MAX_ROOTS; at += 1) {
      for (const element of /** @type {Document} */ (roots[at]).querySelectorAll("*")) {
        if (element.shadowRoot) roots.push(element.shadowRoot);
        const inner = /^i?frame$/.test(element.localName) ? documentIn(element) : null;
        if (inner) roots.push(inner);
      }
    }
    return roots;
  }

  /** @param {Element} element */
  const styleOf = (element) => /** @type {Window} */ (element.ownerDocument.defaultView ?? window).getComputedStyle(element);

  /** @param {Element} element */
  function isDrawn(element) {
    for (let at = /** @type {Node | null} */ (element); at; at = parentOf(at)) {
      if (!isElement(at)) continue;
      const { display, opacity, contentVisibility } = styleOf(at);
      if (display === "none" || opacity === "0" || contentVisibility === "hidden" || at.hasAttribute("hidden")) return false;
      if (at.localName === "dialog" && !at.hasAttribute("open")) return false;
      if (at.localName === "details" && !at.hasAttribute("open") && at !== element && !at.querySelector("summary")?.contains(element)) return false;
    }
    if (/hidden|collapse/.test(styleOf(element).visibility)) return false;
    return element.checkVisibility?.() !== false;
  }

  /** Whether a page without a layout, as in tests, says nothing about sizes. @param {Element} element */
  const hasLayout = (element) => element.ownerDocument.documentElement.getBoundingClientRect().width > 0;

  /** Whether what is drawn is large enough, on the page, and not cut off. @param {Element} element */
  function isInSight(element) {
    if (!hasLayout(element)) return true;
    const box = element.getBoundingClientRect();
    const view = element.ownerDocument.defaultView;
    if (box.width < MIN_SIZE || box.height < MIN_SIZE) return false;
    if (box.right + (view?.scrollX ?? 0) <= 0 || box.bottom + (view?.scrollY ?? 0) <= 0) return false;
    const style = styleOf(element);
    if (/^inset\((?:50|100)%/.test(style.clipPath) || /^rect\(0px,? 0px,? 0px,? 0px\)/.test(style.clip)) return false;
    for (let at = element.parentElement; at; at = at.parentElement) {
      if (styleOf(at).overflow === "visible") continue;
      const bounds = at.getBoundingClientRect();
      if (bounds.width < MIN_SIZE || bounds.height < MIN_SIZE) return false;
      // What lies beside a part that cannot be scrolled is on another slide of it.
      if (/hidden|clip/.test(styleOf(at).overflowX) && !at.matches("html, body") && (box.left >= bounds.right || box.right <= bounds.left)) return false;
    }
    return true;
  }

  /** @param {Element} element */
  const isVisible = (element) => isDrawn(element) && isInSight(element);

  /** @param {Element} element */
  function isControl(element) {
    if (element.localName === "input") return /** @type {HTMLInputElement} */ (element).type !== "hidden";
    return /^(?:select|textarea)$/.test(element.localName) || /^(?:|true|plaintext-only)$/.test(element.getAttribute("contenteditable") ?? "no") ||
      /^(?:textbox|combobox|listbox|spinbutton|searchbox)$/.test(element.getAttribute("role") ?? "");
  }

  /** @param {Element} element */
  const isButton = (element) => element.localName === "button" || element.getAttribute("role") === "button" || element.getAttribute("role") === "tooltip";

  /** An icon may be a word in a font of pictures. @param {Element} element */
  const isIcon = (element) => /^(?:i|span|mat-icon)$/.test(element.localName) && ICON.test(`${element.getAttribute("class") ?? ""} ${element.localName}`.replace("mat-icon", "icon")) && element.childElementCount === 0;

  /** A link that explains a label. @param {Element} element */
  const isHelp = (element) => element.localName === "a" && HELP.test(labelKey(element.textContent));

  /** @param {Element} element */
  const isSilent = (element) => SILENT.test(element.localName) || isButton(element) || isIcon(element) || isHelp(element);

  /**
   * @param {Node} node
   * @param {(element: Element) => boolean} [skip]
   * @returns {string}
   */
  function textOf(node, skip = () => false) {
    /** @param {Node} at @returns {string} */
    const read = (at) => {
      if (at.nodeType === 3) return at.nodeValue ?? "";
      if (isElement(at)) {
        if (isSilent(at) || isControl(at) || skip(at) || !isShownHere(at)) return "";
        if (at.localName === "br") return " ";
      }
      const inner = childrenOf(at).map(read).join("");
      return isElement(at) && startsLine(at) ? ` ${inner} ` : inner;
    };
    return oneLine(read(node));
  }

  /** Spaces that a browser draws as one; those inside a line are the text's own. @param {string} text */
  const oneLine = (text) => text.replace(/[^\S\u00a0]*[\n\r\t][^\S\u00a0]*/g, " ").replace(/\u00a0/g, " ").replace(/\u200b/g, "").trim();

  /** @param {Element} element */
  function isShownHere(element) {
    const { display, visibility } = styleOf(element);
    return display !== "none" && visibility !== "hidden" && !element.hasAttribute("hidden");
  }

  /** @param {Element} element */
  const startsLine = (element) => BREAKS.test(element.localName) || !/^(?:inline|contents|)$/.test(styleOf(element).display);

  /** A label that belongs to another control says nothing about what follows. @param {Element} element @param {Node} until */
  function isLabelOfOther(element, until) {
    const control = element.localName === "label" ? /** @type {HTMLLabelElement} */ (element).control : null;
    return Boolean(control && control !== until && !control.contains(until) && isDrawn(control));
  }

  /** @param {Element} element */
  const controlsWithin = (element) => [...element.querySelectorAll("*")].some((one) => isControl(one) && isShownHere(one));

  /**
   * @param {Node} top
   * @param {Node} until
   * @param {(element: Element) => boolean} [skip]
   */
  function blocksBefore(top, until, skip = () => false) {
    /** @type {{text: string, top: Node, apart: boolean}[]} */
    let lines = [];
    let text = "";
    const ends = isElement(until);
    let child = /** @type {Node} */ (top);
    const flush = () => {
      if (oneLine(text) !== "") lines.push({ text: oneLine(text), top: child, apart: false });
      text = "";
    };
    /** @param {Node} at @param {number} depth @returns {boolean} whether the node was reached */
    const walk = (at, depth) => {
      if (at === until) return true;
      if (depth === 1) child = at;
      if (at.nodeType === 3) text += at.nodeValue ?? "";
      if (!isElement(at)) return false;
      if (isControl(at) || isLabelOfOther(at, until)) {
        if (isShownHere(at)) [lines, text] = [[], ""];
        return false;
      }
      if (isSilent(at) || skip(at) || (!isShownHere(at) && at !== top)) return false;
      if (ends && at !== top && at.matches(APART) && !at.closest("label") && !at.contains(until) && !controlsWithin(at)) {
        flush();
        if (textOf(at) !== "") lines.push({ text: textOf(at), top: child, apart: true });
        return false;
      }
      const breaks = startsLine(at) || depth === 1;
      if (breaks) flush();
      const reached = childrenOf(at).some((one) => walk(one, depth + 1));
      if (breaks && !reached) flush();
      return reached;
    };
    walk(top, 0);
    flush();
    return lines.map((line) => ({ ...line, alone: lines.filter((one) => one.top === line.top).length === 1 }));
  }

  /** Whether words are drawn where those of a control may be: not below it, nor after it. @param {Node} words @param {Element} control */
  function isDrawnBefore(words, control) {
    if (!hasLayout(control) || control.ownerDocument !== words.ownerDocument) return true;
    const range = control.ownerDocument.createRange();
    range.selectNodeContents(words);
    const [text, box] = [range.getBoundingClientRect(), control.getBoundingClientRect()];
    if (text.width === 0) return true;
    return text.top < box.bottom - 1 && (text.left < box.right - 1 || text.bottom <= box.top + 1);
  }

  Object.assign(tools, { isDrawnBefore, labelKey, parentOf, childrenOf, rootsOf, isVisible, isControl, textOf, blocksBefore });
})();
