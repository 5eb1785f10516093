// @ts-check
// Building what a page shows, from elements and text only: data never becomes markup.

/** What is shown, or nothing. @typedef {Node | string | null | false | undefined} Child */
/** @typedef {Child | Child[] | (Child | Child[])[]} Children */

/**
 * An element. In `props`, `on` holds listeners, `data` data attributes; true is an attribute without a value; null and
 * false leave one out.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {{on?: Record<string, (event: any) => void>, data?: Record<string, string>, [name: string]: any}} [props]
 * @param {...Children} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  const { on = {}, data = {}, ...attributes } = props;
  for (const [name, value] of Object.entries(attributes)) setAttribute(element, name, value);
  for (const [name, listener] of Object.entries(on)) element.addEventListener(name, listener);
  Object.assign(element.dataset, data);
  element.append(...present(children));
  return element;
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {unknown} value
 */
function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  element.setAttribute(name, value === true ? "" : String(value));
}

/**
 * The children that are there, in one row.
 * @param {Children[]} children
 * @returns {(Node | string)[]}
 */
export function present(children) {
  return /** @type {Child[]} */ (children.flat(2)).filter(isThere);
}

/**
 * @param {Child} child
 * @returns {child is Node | string}
 */
function isThere(child) {
  return child !== null && child !== undefined && child !== false && child !== "";
}

const SVG = "http://www.w3.org/2000/svg";

/** Strokes in a 20 × 20 box. */
const DRAWINGS = {
  check: ["M4 10.5l4 4 8-9"],
  differ: ["M4.5 7.5h11", "M4.5 12.5h11", "M13.5 3.5l-7 13"],
  copy: ["M7.5 7.5h8v8h-8z", "M12.5 4.5h-8v8"],
  search: ["M9 3.8a5.2 5.2 0 1 0 0 10.4A5.2 5.2 0 0 0 9 3.8z", "M13 13l4 4"],
  caution: ["M10 3.2L17.3 16H2.7z", "M10 8v3.6", "M10 13.8v.1"],
  stop: ["M10 2.8a7.2 7.2 0 1 0 0 14.4 7.2 7.2 0 0 0 0-14.4z", "M10 6.2v4.6", "M10 13.6v.1"],
  info: ["M10 2.8a7.2 7.2 0 1 0 0 14.4 7.2 7.2 0 0 0 0-14.4z", "M10 9.2v4.6", "M10 6.4v.1"],
  clock: ["M10 2.8a7.2 7.2 0 1 0 0 14.4 7.2 7.2 0 0 0 0-14.4z", "M10 6v4.2l2.8 1.8"],
  undo: ["M7.5 4L4 7.5 7.5 11", "M4.5 7.5h7a4.2 4.2 0 0 1 0 8.4H8"],
  open: ["M11.5 4h4.5v4.5", "M16 4l-7 7", "M13.5 11.5v4.5h-9.5v-9.5h4.5"],
  settings: ["M3 6h8", "M15 6h2", "M13 4.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z", "M3 14h2", "M9 14h8",
    "M7 12.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z"],
  plug: ["M7 3v4", "M13 3v4", "M5 7h10v2.5a5 5 0 0 1-10 0z", "M10 14.5V17"],
  page: ["M5 3h6.5L15 6.5V17H5z", "M11.5 3v3.5H15", "M7.5 10.5h5", "M7.5 13.5h5"],
  arrow: ["M4 10h11.5", "M11 5.5l4.5 4.5-4.5 4.5"],
  chevron: ["M8 5l5 5-5 5"],
  link: ["M11.5 6.5h1.6a3.5 3.5 0 0 1 0 7h-1.6", "M8.5 6.5H6.9a3.5 3.5 0 0 0 0 7h1.6", "M7.6 10h4.8"],
};

/** @typedef {keyof typeof DRAWINGS} Drawing */

/**
 * A small drawing that says nothing by itself: words are beside it.
 * @param {Drawing} name
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  for (const stroke of DRAWINGS[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", stroke);
    svg.append(path);
  }
  return svg;
}

/**
 * Words for a screen reader only.
 * @param {string} words
 */
export function unseen(words) {
  return h("span", { class: "unseen" }, words);
}
