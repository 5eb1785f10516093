// @ts-check
/** From a page that lists contacts to the contacts that it links to. */

import { locate } from "./locate.js";

/**
 * @typedef {{href: string, text: string, row: string}} Row
 *   a link, its text, and the text of the row it is in, in lines
 * @typedef {{url: string, package: string, kind: import("./locate.js").Kind | null, reference: string,
 *   organisation: string | null, name: string, email: string, other_emails: string[], phones: string[],
 *   postcode: string, retired: boolean}} Listed
 */

const EMAIL = /[A-Z0-9][A-Z0-9._%+'-]{0,63}@[A-Z0-9][A-Z0-9-]{0,62}(?:\.[A-Z0-9-]{1,63}){1,5}/i;
const PHONE = /^(?:[a-z ]{2,10}:\s*)?((?:\+|\(0?|0)[0-9 ().-]{8,40}[0-9])$/i;
const BETWEEN_PHONES = /\s*[/,;|&]\s*|\s+or\s+/i;
const RETIRED = /^\(?(?:archived?|inactive|deleted|hidden|merged|closed|disabled|not active)\)?$/i;
const POSTCODE = /\b([A-Z]{1,2}[0-9][A-Z0-9]?)\s?([0-9][A-Z]{2})\b/;
const NO_NAME = /^(?:archived|inactive|view|edit|open|show|details?|more|select|invoices?|contacts?|[-–—›»…. ]+|.?)$/i;
const FIGURE = /^[£$€(+-]*[0-9][0-9.,:/ )-]*$/;

/**
 * Every link on the page with its row. Injected into the page, so it needs nothing else; bounded.
 * @returns {Row[]}
 */
export function readList() {
  const MAX_LINKS = 5000;
  const MAX_TEXT_LENGTH = 1000;
  const ROW = "tr, li, [role=row], [role=listitem], article";

  /** Two links of one shape are in two rows. @param {Element} link */
  const shapeOf = (link) => `${link.className} ${link.parentElement?.tagName} ${link.parentElement?.className}`;

  /** Whether one of a block's first links is like this one. @param {Element} link @param {Element} block */
  const hasLinkLike = (link, block) => {
    const links = block.getElementsByTagName("a");
    for (let place = 0; place < 10; place += 1) {
      const other = links[place];
      if (other && other !== link && shapeOf(other) === shapeOf(link)) return true;
    }
    return false;
  };

  /** @param {Element} link */
  const rowOf = (link) => {
    const row = link.closest(ROW);
    if (row) return row;
    let block = link;
    for (let up = 0; up < 3; up += 1) {
      const parent = block.parentElement;
      if (!parent || hasLinkLike(link, parent)) break;
      block = parent;
    }
    return block;
  };

  /** @param {Element} block */
  const linesOf = (block) => {
    const walker = document.createTreeWalker(block, 4);
    let text = "";
    while (text.length < MAX_TEXT_LENGTH && walker.nextNode()) {
      const piece = (walker.currentNode.nodeValue ?? "").replace(/\s+/g, " ").trim();
      if (piece) text += (text && "\n") + piece;
    }
    return text.slice(0, MAX_TEXT_LENGTH);
  };

  try {
    return Array.from(document.querySelectorAll("a[href]"))
      .slice(0, MAX_LINKS)
      .map((link) => ({
        href: /** @type {HTMLAnchorElement} */ (link).href,
        text: (link.textContent ?? "").replace(/\s+/g, " ").trim().slice(0, 200),
        row: linesOf(rowOf(link)),
      }));
  } catch {
    return [];
  }
}

/**
 * The contacts among a page's links, each once, in the page's order. Pure.
 * @param {unknown} rows what `readList` returned
 * @param {import("./locate.js").Packages} packages
 * @param {import("./locate.js").Location | null} [list] where the list is: links into another
 *   package or organisation are left out, and a link that names no organisation is in the list's
 * @returns {Listed[]}
 */
export function listContacts(rows, packages, list = null) {
  /** @type {Map<string, Listed>} */
  const listed = new Map();
  for (const row of Array.isArray(rows) ? rows : []) {
    const { href, text, row: beside } = clean(row);
    const location = locate(href, packages);
    if (location.page !== "contact" || location.package === null || location.reference === null) continue;
    if (list && !isOfList(location, list)) continue;
    const { url, package: id, kind, reference } = location;
    const organisation = location.organisation ?? list?.organisation ?? null;
    const key = JSON.stringify([id, organisation, kind, reference]);
    const contact = { url, package: id, kind, reference, organisation, ...detailsOf(text, beside) };
    const known = listed.get(key);
    listed.set(key, known ? together(known, contact) : contact);
  }
  return [...listed.values()];
}

/**
 * @param {any} row it comes from a page that is not ours
 * @returns {Row}
 */
function clean(row) {
  /** @param {unknown} value */
  const text = (value) => (typeof value === "string" ? value : "");
  return { href: text(row?.href), text: text(row?.text).trim(), row: text(row?.row) };
}

/**
 * @param {import("./locate.js").Location} location
 * @param {import("./locate.js").Location} list
 */
function isOfList(location, list) {
  if (location.package !== list.package) return false;
  if (location.kind && list.kind && location.kind !== list.kind) return false;
  return !location.organisation || !list.organisation || location.organisation === list.organisation;
}

/**
 * @param {string} text the link's own text
 * @param {string} row
 */
function detailsOf(text, row) {
  const lines = row.split("\n").map((line) => line.trim()).filter(Boolean);
  const named = [text, ...lines].find((line) => !NO_NAME.test(line) && !EMAIL.test(line) && !isFigure(line));
  const phones = lines.flatMap((line) => line.split(BETWEEN_PHONES)).flatMap((part) => PHONE.exec(part)?.[1] ?? []);
  const [email = "", ...others] = new Set(row.match(new RegExp(EMAIL, "gi")) ?? []);
  const postcode = POSTCODE.exec(row);
  return {
    name: named ?? "",
    email,
    other_emails: others.slice(0, 4),
    phones: [...new Set(phones)].slice(0, 5),
    postcode: postcode ? `${postcode[1]} ${postcode[2]}` : "",
    retired: lines.some((line) => RETIRED.test(line)),
  };
}

/** @param {string} line */
function isFigure(line) {
  return FIGURE.test(line) || line.split(BETWEEN_PHONES).every((part) => PHONE.test(part));
}

/**
 * Two links to one contact: the first comes first, the second fills what was missing.
 * @param {Listed} known
 * @param {Listed} more
 * @returns {Listed}
 */
function together(known, more) {
  return {
    ...known,
    name: known.name || more.name,
    email: known.email || more.email,
    other_emails: known.email ? known.other_emails : more.other_emails,
    retired: known.retired || more.retired,
    phones: known.phones.length ? known.phones : more.phones,
    postcode: known.postcode || more.postcode,
  };
}
