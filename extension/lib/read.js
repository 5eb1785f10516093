// @ts-check
/**
 * From a contact's page to what it says about the contact. It only helps to find the match: every
 * part may come out empty, and nothing here decides about the reference.
 */

export { readList, listContacts } from "./list.js";

/**
 * What is known of a package's pages, from the rule file.
 * @typedef {object} Hints
 * @property {string[]} [name] CSS selectors, the best first; the same for the other fields
 * @property {string[]} [company]
 * @property {string[]} [person]
 * @property {string[]} [email]
 * @property {string[]} [phone]
 * @property {string[]} [address]
 * @property {Record<string, string>} [icons] an icon's <title> → the field that stands beside it
 * @property {string[]} [titles] what the page's title calls the package
 */

/**
 * @typedef {{name: string, company: string, person: string, email: string, phones: string[],
 *   address: string, town: string, postcode: string, kind: null}} Read
 */

/**
 * What the page in `document` says about its contact. Injected into the page, so it stands on its
 * own: it may use nothing outside itself. Never throws; looks at a bounded part of a huge page.
 * @param {Hints} [hints]
 * @returns {Read}
 */
export function readContact(hints = {}) {
  const MOST_ELEMENTS = 5000;
  const MOST_LINES = 60;
  const MOST_TEXT = 2000;
  const MOST_PHONES = 5;

  const EMAIL = /[A-Z0-9][A-Z0-9._%+'-]{0,63}@[A-Z0-9][A-Z0-9-]{0,62}(?:\.[A-Z0-9-]{1,63}){1,5}/i;
  const PHONE = /(?:\+|\(|\b0|\b[2-9])[0-9 ().\u2010-\u2015-]{7,20}[0-9](?:\s?(?:x|ext\.?)\s?[0-9]{1,5})?/gi;
  const UK = /\b([A-Z]{1,2}[0-9][A-Z0-9]?)\s?([0-9][A-Z]{2})\b/i;
  const US = /^(.*?),?\s*\b([A-Z]{2})\s+([0-9]{5}(?:-[0-9]{4})?)$/;
  const COUNTRY = /^(?:uk|u\.k\.|gb|great britain|united kingdom|england|scotland|wales|northern ireland|us|usa|u\.s\.a\.|united states(?: of america)?)$/i;
  const COUNTY =
    /^(?:[a-z .]+shire|(?:co\.?|county) .+|(?:east |west )?sussex|(?:greater |west |south |north |mid |east )?(?:glamorgan|midlands|yorkshire|lothian)|greater (?:london|manchester)|avon|cornwall|cumbria|devon|dorset|essex|fife|gwent|gwynedd|isle of wight|kent|merseyside|middlesex|norfolk|powys|rutland|suffolk|surrey|tyne (?:and|&) wear)$/i;
  const NO_VALUE = /^(?:[-–—]+|n\/a|none|not (?:set|given|provided|known|available|entered)|(?:no|add)(?: an?| the)? (?:e-?mail|phone|address|billing|contact|number|mobile|telephone|details|person|primary).*)$/i;
  const GENERIC =
    /^(?:(?:edit|view|new|add|all|your)? ?(?:contacts?|customers?|suppliers?|vendors?|clients?|people)(?: (?:details?|information|overview|record|profile|centre|center|list|hub))?|details?|overview|summary|profile|dashboard|home|loading.*|untitled|accounting|welcome.*|sign in|log ?in)$/i;
  const SIGNED_IN = /\b(?:signed|logged) in\b|\b(?:log|sign) ?out\b/i;
  const PAGES_OWN =
    /(?:^|[\s_-])(?:nav|navbar|navigation|menu|breadcrumbs?|footer|cookies?|topbar|top-bar|(?:app|site|global)-header|(?:user|account|org)-(?:menu|switcher|panel)|current-user|my-account|signed-in|logged-in|tooltip|toast)(?:$|[\s_-])/i;
  const BADGE = /(?:^|[\s_-])(?:badge|chip|pill|tag|status|avatar|initials|icon)(?:$|[\s_-])/i;
  const SKIP = new Set(["SCRIPT", "STYLE", "TEMPLATE", "NOSCRIPT", "IFRAME", "OBJECT", "CANVAS", "SVG", "NAV", "FOOTER", "DIALOG"]);
  const ROLES = new Set(["navigation", "banner", "contentinfo", "menu", "menubar", "dialog", "alertdialog", "tooltip", "search", "tablist"]);
  const INLINE = new Set(["A", "ABBR", "B", "BDI", "CITE", "CODE", "EM", "FONT", "I", "MARK", "S", "SMALL", "SPAN", "STRONG", "SUB", "SUP", "TIME", "U", "WBR"]);

  /** A label as the page writes it, small letters, without colon or star → the field it names. */
  /** @type {Record<string, string>} */
  const LABELS = {};
  for (const [field, words] of Object.entries({
    name: "name|customer name|supplier name|vendor name|display name|customer|supplier|account name|display name as|customer display name",
    company: "company|company name|business|business name|organisation|organisation name|organization|organization name|trading name|legal name",
    person: "contact|contact name|contact person|main contact|main contact name|primary person|primary contact|full name|attention|attn|main contact person",
    first: "first name|forename|given name|first names",
    last: "last name|surname|family name",
    email: "email|e-mail|email address|e-mail address|main email|primary email|billing email|main contact email|work email|emails",
    phone: "phone|telephone|phone number|telephone number|phone numbers|mobile|mobile number|mobile phone|cell|cell phone|tel|landline|work phone|home phone|business phone|direct|direct dial|main phone|main contact phone|office|other phone",
    fax: "fax|fax number|facsimile",
    address: "address|billing address|main address|postal address|invoice address|mailing address|street address|registered address|bill to|bill address|business address|contact address",
    delivery: "delivery address|shipping address|ship to|ship address",
    line: "address line|street|line|main address line|building|house name",
    town: "town|city|town/city|city/town|town or city|post town|suburb|locality|town / city",
    county: "county|region|state|state/province|province|county/region|county/state|state/region",
    postcode: "postcode|post code|postal code|zip|zip code|zip/postal code|postcode/zip|postal code/zip|postal/zip code",
    country: "country",
    other: "website|web|url|vat number|vat|balance|reference|account number|account|code|notes|note|currency|terms|payment terms|created|a/c|type|status|tax|bank|amount|date|twitter|linkedin|skype",
  })) for (const word of words.split("|")) LABELS[word] = field;

  /** @param {unknown} value */
  const clean = (value) => String(value ?? "").replace(/[\s\u00a0\u200b]+/g, " ").trim().slice(0, MOST_TEXT);

  /** @param {string} text */
  const fieldOf = (text) => {
    if (text.length > 50) return undefined;
    const bare = text.toLowerCase().replace(/\((?:optional|required)\)/, "").replace(/[:*\s]+$/, "").trim();
    const found = Object.hasOwn(LABELS, bare) ? LABELS[bare] : LABELS[bare.replace(/ ?[1-9]$/, "")];
    return found === "address" && /[1-9]$/.test(bare) ? "line" : found;
  };

  /**
   * Whether an element and all in it is the page's own: navigation, footer, hidden parts, the user.
   * @param {Element} element
   */
  const isPagesOwn = (element) => {
    const tag = element.tagName.toUpperCase();
    if (SKIP.has(tag) || ROLES.has(element.getAttribute("role") ?? "")) return true;
    if (tag === "HEADER" && !element.closest("main, article, section, [role=main]")) return true;
    if (element.hasAttribute("hidden") || element.getAttribute("aria-hidden") === "true") return true;
    if (/display:\s*none|visibility:\s*hidden/i.test(element.getAttribute("style") ?? "")) return true;
    if (tag === "BODY" || tag === "MAIN") return false;
    if (PAGES_OWN.test(`${element.getAttribute("class") ?? ""} ${element.id}`)) return true;
    return typeof element.checkVisibility === "function" && !element.checkVisibility();
  };

  /** @param {Element} element */
  const isInPagesOwn = (element) => {
    for (let at = /** @type {Element | null} */ (element); at; at = at.parentElement) if (isPagesOwn(at)) return true;
    return false;
  };

  /** @type {WeakMap<Element, boolean>} */
  const blocks = new WeakMap();
  /** Whether an element starts a line of its own, by its tag or by the page's style. @param {Element} element */
  const isBlock = (element) => {
    let block = blocks.get(element);
    if (block === undefined) {
      block = !INLINE.has(element.tagName.toUpperCase()) || !/^(?:inline|contents|)$/.test(getComputedStyle(element).display);
      blocks.set(element, block);
    }
    return block;
  };

  /**
   * The text of a node in lines, as a reader sees it: a block or a <br> starts a new line.
   * @param {Node} node
   * @param {boolean} [withoutBadges]
   */
  const linesOf = (node, withoutBadges = false) => {
    /** @type {string[]} */
    const lines = [""];
    let left = 400;
    /** @param {Node} at */
    const visit = (at) => {
      if (left-- <= 0 || lines.length > MOST_LINES) return;
      if (at.nodeType === 3) {
        if (lines[lines.length - 1].length < MOST_TEXT) lines[lines.length - 1] += at.nodeValue ?? "";
        return;
      }
      if (at.nodeType !== 1) return;
      const element = /** @type {Element} */ (at);
      const tag = element.tagName.toUpperCase();
      if (tag === "BR") return void lines.push("");
      if (element !== node && (tag === "BUTTON" || tag === "SELECT" || isPagesOwn(element))) return;
      if (withoutBadges && element !== node && BADGE.test(element.getAttribute("class") ?? "")) return;
      const typed = typedIn(element);
      if (typed !== null) lines[lines.length - 1] += ` ${typed} `;
      const block = isBlock(element);
      if (block) lines.push("");
      element.childNodes.forEach(visit);
      if (block) lines.push("");
    };
    visit(node);
    return lines.map(clean).filter(Boolean);
  };

  /**
   * What a form's field holds; null when it is none, or none that tells about a contact.
   * @param {Element | null} element
   */
  const typedIn = (element) => {
    const tag = element?.tagName.toUpperCase();
    const control = /** @type {HTMLInputElement} */ (element);
    if (tag === "TEXTAREA") return control.value;
    if (tag === "SELECT") return clean(/** @type {any} */ (control).selectedOptions?.[0]?.textContent);
    return tag === "INPUT" && /^(?:text|email|tel|)$/.test(control.type) ? control.value : null;
  };

  const main = Array.from(document.querySelectorAll("main, [role=main]")).find((one) => !isInPagesOwn(one));
  const scope = main ?? document.body ?? document.documentElement;

  /** @type {Element[]} the page's elements without its own parts, in order */
  const elements = [];
  const walker = document.createTreeWalker(scope, 1, (node) => (isPagesOwn(/** @type {Element} */ (node)) ? 2 : 1));
  while (elements.length < MOST_ELEMENTS && walker.nextNode()) elements.push(/** @type {Element} */ (walker.currentNode));

  /** @type {Record<string, string[][]>} field → values, each in lines */
  const found = {};
  /**
   * @param {string | undefined} field
   * @param {string[]} lines
   */
  const keep = (field, lines) => {
    const told = lines.filter((line) => !NO_VALUE.test(line) && !/^[-–—•|,;:]+$/.test(line));
    if (field && told.length && !fieldOf(told[0])) (found[field] ??= []).push(told);
  };

  /** @param {string} selector */
  const all = (selector) => {
    try {
      return Array.from(document.querySelectorAll(selector)).slice(0, 50);
    } catch {
      return [];
    }
  };

  const readHints = () => {
    for (const field of /** @type {const} */ (["name", "company", "person", "email", "phone", "address"])) {
      for (const selector of hints[field] ?? []) {
        for (const element of all(selector)) {
          if (!isInPagesOwn(element)) keep(field, addressed(element) ?? linesOf(element, true));
        }
      }
    }
    for (const title of all("svg title").concat(all("img[title]"))) {
      const word = clean(title.getAttribute("title") ?? title.textContent);
      const field = hints.icons && Object.hasOwn(hints.icons, word) ? hints.icons[word] : undefined;
      let block = (title.closest("svg") ?? title).parentElement;
      for (let up = 0; field && block && up < 4 && !linesOf(block).length; up += 1) block = block.parentElement;
      if (field && block && !isInPagesOwn(block)) keep(field, linesOf(block).filter((line) => !fieldOf(line)));
    }
  };

  /**
   * What a mailto: or tel: link leads to.
   * @param {Element} element
   */
  const addressed = (element) => {
    const [, scheme, rest] = /^\s*(mailto|tel):([^?]*)/i.exec(element.getAttribute("href") ?? "") ?? [];
    if (!scheme) return null;
    let text = rest;
    try {
      text = decodeURIComponent(rest);
    } catch {
      // as it stands
    }
    const shown = linesOf(element).join(" ");
    return [scheme.toLowerCase() === "tel" && shown.match(PHONE) ? shown : clean(text.split(",")[0])];
  };

  const readMicrodata = () => {
    const fields = { name: "name", legalName: "company", email: "email", telephone: "phone", streetAddress: "line", addressLocality: "town", postalCode: "postcode" };
    for (const element of elements) {
      const property = element.getAttribute("itemprop") ?? "";
      if (!Object.hasOwn(fields, property)) continue;
      const owner = element.closest("[itemtype]")?.getAttribute("itemtype") ?? "";
      if (!/schema\.org\/(?:Person|Organization|LocalBusiness|PostalAddress|Corporation|ContactPoint)/.test(owner)) continue;
      const content = element.getAttribute("content");
      keep(fields[/** @type {keyof typeof fields} */ (property)], content ? [clean(content)] : (addressed(element) ?? linesOf(element)));
    }
  };

  /** The lines of what stands beside a label. @param {Element} label */
  const valueOf = (label) => {
    const control = /** @type {HTMLLabelElement} */ (label).control ?? document.getElementById(label.getAttribute("for") ?? "");
    if (control && control !== label) return [clean(typedIn(control) ?? linesOf(control).join("\n"))];
    for (let at = /** @type {Node} */ (label), up = 0; up < 3 && at !== scope; up += 1) {
      /** @type {string[]} */
      const lines = [];
      for (let next = at.nextSibling; next; next = next.nextSibling) {
        const tag = /** @type {Element} */ (next).tagName?.toUpperCase();
        if (lines.length && (tag === "BR" || tag === "DT" || tag === "TH" || tag === "TD" || tag === "DD")) break;
        const more = next.nodeType === 1 && isPagesOwn(/** @type {Element} */ (next)) ? [] : linesOf(next);
        if (more.length && fieldOf(more[0])) return lines;
        lines.push(...more);
        if (lines.length && next.nodeType === 1) break;
      }
      if (lines.length) return lines;
      const parent = at.parentElement;
      if (!parent || clean(parent.textContent) !== clean(at.textContent)) return [];
      at = parent;
    }
    return [];
  };

  const readLabels = () => {
    for (const element of elements) {
      const named = typedIn(element) === null ? null : clean(element.getAttribute("aria-label") ?? element.getAttribute("placeholder"));
      if (named) keep(fieldOf(named), [clean(typedIn(element))].filter(Boolean));
      if (element.childElementCount > 3 || (element.textContent ?? "").length > 300) continue;
      const text = clean(element.textContent);
      const labelled = element.tagName === "LABEL" ? clean(linesOf(element).shift()) : text;
      if (fieldOf(labelled)) keep(fieldOf(labelled), valueOf(element));
      else if (element.childElementCount === 0) {
        const [, label, value] = /^([^:]{2,30}):\s*(\S.*)$/.exec(text) ?? [];
        if (label) keep(fieldOf(label), [value]);
      }
    }
  };

  /** @param {Element} element */
  const isOfTheUser = (element) => SIGNED_IN.test((element.parentElement?.textContent ?? "").slice(0, 300));

  const emailOfPage = () => {
    for (const lines of found.email ?? []) {
      const match = EMAIL.exec(lines.join(" "));
      if (match) return match[0];
    }
    for (const pass of ["link", "text"]) {
      for (const element of elements) {
        if (isOfTheUser(element)) continue;
        const own = Array.from(element.childNodes).filter((node) => node.nodeType === 3).map((node) => node.nodeValue).join(" ");
        const match = EMAIL.exec(pass === "link" ? (addressed(element)?.[0] ?? "") : own.slice(0, MOST_TEXT));
        if (match) return match[0];
      }
    }
    return "";
  };

  const phonesOfPage = () => {
    /** @type {Map<string, string>} */
    const phones = new Map();
    const faxes = new Set((found.fax ?? []).map((lines) => lines.join("").replace(/\D/g, "").slice(-9)));
    /** @param {string} text */
    const add = (text) => {
      for (const match of text.match(PHONE) ?? []) {
        const digits = match.replace(/(?:x|ext).*/i, "").replace(/\D/g, "");
        const key = digits.slice(-9);
        if (digits.length < 9 || digits.length > 15 || faxes.has(key) || phones.size >= MOST_PHONES) continue;
        if (!phones.has(key)) phones.set(key, clean(match));
      }
    };
    for (const lines of found.phone ?? []) lines.filter((line) => !/\bfax\b/i.test(line)).forEach(add);
    for (const element of elements) {
      if (/^\s*tel:/i.test(element.getAttribute("href") ?? "")) add(addressed(element)?.[0] ?? "");
    }
    if (!phones.size) {
      for (const element of elements) {
        const text = element.childElementCount ? "" : clean(element.textContent);
        if (text.length < 25 && /^[+(0]/.test(text) && !/[^0-9 +().x-]/i.test(text)) add(text);
      }
    }
    return [...phones.values()];
  };

  /** The lines around the first postcode on the page, for a page without labels. */
  const linesAroundPostcode = () => {
    for (const element of elements) {
      if (element.childElementCount > 12 || (element.textContent ?? "").length > 500) continue;
      const own = clean(element.textContent);
      if (!UK.test(own) && !US.test(own)) continue;
      let block = element;
      for (let up = 0; up < 3; up += 1) {
        const lines = linesOf(block);
        const last = lines.findIndex((line) => UK.test(line) || US.test(line));
        if (last > 0 || (last === 0 && lines[0].includes(","))) return lines.slice(Math.max(0, last - 5), last + 1);
        if (!block.parentElement || block === scope) break;
        block = block.parentElement;
      }
    }
    return [];
  };

  /** @param {string[]} lines @param {string[]} known names that are no part of an address */
  const placeOf = (lines, known) => {
    let postcode = "";
    let town = "";
    const parts = lines
      .filter((line) => !EMAIL.test(line) && !fieldOf(line) && !/^(?:tel|phone|fax|mobile|attention|attn)\b/i.test(line))
      .flatMap((line) => line.split(/\s*[,;]\s*/))
      .map(clean)
      .filter((part) => part && !known.includes(part) && !COUNTRY.test(part));
    const last = parts.findLastIndex((part) => UK.test(part) || US.test(part) || /^[0-9]{5}(?:-[0-9]{4})?$/.test(part));
    const before = last < 0 ? parts : parts.slice(0, last);
    if (last >= 0) {
      const american = US.exec(parts[last]);
      const british = UK.exec(parts[last]);
      postcode = british ? `${british[1]} ${british[2]}`.toUpperCase() : (american?.[3] ?? parts[last]);
      const rest = british ? clean(parts[last].replace(british[0], "")) : clean(american?.[1]);
      if (rest) before.push(rest);
    }
    if (before.length > 2 && (COUNTY.test(before[before.length - 1]) || /^[A-Z]{2}$/.test(before[before.length - 1]))) before.pop();
    if (before.length > 1 || (before.length === 1 && !/[0-9]/.test(before[0]))) town = before.pop() ?? "";
    return { address: before.join(", "), town, postcode };
  };

  /** @param {string} field */
  const first = (field) => found[field]?.[0]?.[0] ?? "";

  /** @param {string[]} known */
  const addressOfPage = (known) => {
    const labelled = found.line?.map((lines) => lines.join(", ")) ?? [];
    const parts = first("town") || first("postcode") ? { town: first("town"), postcode: first("postcode") } : null;
    if (parts && (labelled.length || found.address)) {
      const lines = labelled.length ? labelled : (found.address?.[0] ?? []);
      const inside = placeOf([...lines, parts.town, parts.postcode].filter(Boolean), known);
      return { address: inside.address, town: parts.town || inside.town, postcode: inside.postcode || parts.postcode };
    }
    const whole = found.address?.[0] ?? (labelled.length ? labelled : null);
    const element = elements.find((one) => one.tagName === "ADDRESS");
    const place = placeOf(whole ?? (element ? linesOf(element) : found.delivery?.[0] ?? linesAroundPostcode()), known);
    return { ...place, ...(parts?.town && { town: parts.town }), ...(parts?.postcode && { postcode: parts.postcode }) };
  };

  const nameOfTitle = () => {
    const own = (hints.titles ?? []).map((title) => title.toLowerCase());
    const parts = document.title.split(/\s+[|–—·•:»-]+\s+|\s*\|\s*/).map(clean);
    return parts.find((part) => part && !own.includes(part.toLowerCase()) && !GENERIC.test(part)) ?? "";
  };

  /** @param {string[]} tags */
  const nameOfHeading = (tags) => {
    const headings = elements.filter((one) => tags.includes(one.tagName) || (tags.includes("H1") && one.getAttribute("aria-level") === "1"));
    const own = (hints.titles ?? []).map((title) => title.toLowerCase());
    const names = headings.map((one) => linesOf(one, true)[0] ?? "");
    return names.find((name) => name && name.length < 150 && !GENERIC.test(name) && !fieldOf(name) && !own.includes(name.toLowerCase())) ?? "";
  };

  const read = () => {
    readHints();
    const hinted = first("name");
    readMicrodata();
    readLabels();
    const company = first("company");
    const person = (found.person ?? []).flat().find((line) => !EMAIL.test(line) && !/[0-9]{5}/.test(line)) ?? clean(`${first("first")} ${first("last")}`);
    const headed = hinted || nameOfHeading(["H1"]) || first("name");
    const name = headed || company || person || nameOfTitle() || nameOfHeading(["H2"]);
    return { name, company, person, email: emailOfPage(), phones: phonesOfPage(), ...addressOfPage([name, company, person]), kind: null };
  };

  try {
    return read();
  } catch {
    return { name: "", company: "", person: "", email: "", phones: [], address: "", town: "", postcode: "", kind: null };
  }
}
