// @ts-check
/**
 * From a contact's page to what it says about the contact. It only helps to find the match: every
 * part may come out empty, and nothing here decides about the reference.
 */

export { readList } from "./read_list.js";

/** @typedef {import("./rule_types.js").Hints} Hints */

/**
 * What the page in `document` says about its contact. Injected into the page, so it is complete
 * in itself: it may use nothing outside. Never throws; looks at a bounded part of a huge page.
 * @param {Hints} [hints]
 * @returns {import("../types.js").Details & {kind: null}} texts may be empty; the address tells the kind
 */
export function readContact(hints = {}) {
  const [MAX_ELEMENTS, MAX_LINES, MAX_TEXT_LENGTH, MAX_PHONES, MAX_EMAILS, MAX_ADDRESSES] = [5000, 60, 2000, 5, 5, 3];

  /** One of these and nothing else. @param {string} words */
  const whole = (words) => new RegExp(`^(?:${words})$`, "i");
  /** One of these among the words of a class or id. @param {string} words */
  const among = (words) => new RegExp(`(?:^|[\\s_-])(?:${words})(?:$|[\\s_-])`, "i");

  const EMAIL = /[A-Z0-9][A-Z0-9._%+'-]{0,63}@[A-Z0-9][A-Z0-9-]{0,62}(?:\.[A-Z0-9-]{1,63}){1,5}/i;
  const PHONE = /(?:\+|\(|\b0|\b[2-9])[0-9 ().+\u2010-\u2015-]{7,60}[0-9](?:\s?(?:x|ext\.?)\s?[0-9]{1,5})?/gi;
  const FAX = /\bfax\b[^0-9+(]{0,5}(?:\+|\(|0)[0-9 ().-]{7,20}[0-9]|(?:\+|\(|\b0)[0-9 ().-]{7,20}[0-9]\s*\(?fax\)?$/gi;
  const UK = /\b([A-Z]{1,2}[0-9][A-Z0-9]?)\s?([0-9][A-Z]{2})\b/i;
  const US = /^(.*?),?\s*\b([A-Z]{2})\s+([0-9]{5}(?:-[0-9]{4})?)$/;
  const RETIRED = whole("\\(?(?:archived?|inactive|deleted|hidden|merged(?: .{1,60})?|closed|disabled|not active)\\)?");
  const SAYS_RETIRED = new RegExp(
    "\\bthis (?:contact|customer|supplier|vendor|client|account|record) (?:has been |is |was )(?:now )?" +
      "(?:archived|(?:made )?inactive|deleted|merged|hidden|closed|disabled)",
    "i",
  );
  const SIGNED_IN = /\b(?:signed|logged) in\b|\b(?:log|sign) ?out\b/i;
  const COUNTRY = whole("uk|gb|great britain|united kingdom|england|scotland|wales|northern ireland|usa?|united states.*");
  const COUNTY = whole(
    "[a-z .]+shire|(?:co\\.?|county) .+|(?:east |west )?sussex|(?:south |west |mid )?glamorgan|west midlands|avon|" +
      "greater (?:london|manchester)|cornwall|cumbria|devon|dorset|essex|fife|gwent|gwynedd|isle of wight|kent|[a-z]+ lothian|" +
      "merseyside|middlesex|norfolk|powys|rutland|suffolk|surrey|tyne (?:and|&) wear",
  );
  const NO_VALUE = whole(
    "[-–—•|,;:]+|n/a|none|loading.*|not (?:set|given|provided|known|available|entered)|(?:no|add)(?: an?| the)? " +
      "(?:e-?mail|phone|address|billing|contact|number|mobile|telephone|details|person|primary).*",
  );
  const GENERIC = whole(
    "(?:(?:edit|view|new|add|all|your) ?)?(?:contacts?|customers?|suppliers?|vendors?|clients?|people)" +
      "(?: (?:details?|information|overview|record|profile|centre|center|list|hub))?|" +
      "(?:recent |latest |all )?(?:activity|history|invoices?|bills?|quotes?|estimates?|transactions?(?: list)?|" +
      "statements?|projects?|notes?|files|documents|attachments)|money (?:in|out)|welcome.*|sign in|log ?in|loading.*|" +
      "(?:main |billing |contact )?(?:details?|address|contact|overview|information)|summary|profile|dashboard|home|accounting",
  );
  const PAGES_OWN = among(
    "nav|navbar|navigation|menu|breadcrumbs?|footer|cookies?|topbar|top-bar|(?:app|site|global)-header|" +
      "(?:user|account|org)-(?:menu|switcher|panel)|current-user|my-account|signed-in|logged-in|tooltip|toast",
  );
  const BADGE = among("badge|chip|pill|tag|status|avatar|initials|icon");
  const SKIPPED = whole("script|style|template|noscript|iframe|object|canvas|svg|nav|footer|dialog");
  const ROLES = whole("navigation|banner|contentinfo|menu|menubar|dialog|alertdialog|tooltip|search|tablist");
  const INLINE = whole("a|abbr|b|bdi|cite|code|em|font|i|mark|s|small|span|strong|sub|sup|time|u|wbr");

  // The field that a label names, by the label in small letters.
  const LABELS = new Map(
    Object.entries({
      name: "name|customer name|supplier name|vendor name|display name|account name|customer display name",
      company: "company|company name|business|business name|organisation|organisation name|organization|trading name",
      person: "contact|contact name|contact person|main contact|main contact name|primary person|primary contact|full name",
      first: "first name|forename|given name|first names",
      last: "last name|surname|family name",
      email: "email|e-mail|email address|e-mail address|main email|primary email|billing email|main contact email",
      phone:
        "phone|telephone|phone number|telephone number|phone numbers|mobile|mobile number|mobile phone|cell phone|tel|" +
        "landline|work phone|home phone|business phone|direct dial|main phone|main contact phone|other phone",
      fax: "fax|fax number|facsimile",
      address:
        "address|billing address|main address|postal address|invoice address|mailing address|street address|" +
        "registered address|bill to|bill address|business address|contact address",
      delivery: "delivery address|shipping address|ship to|ship address",
      line: "address line|street|line|main address line|building|house name",
      town: "town|city|town/city|city/town|town / city|town or city|post town|suburb|locality",
      postcode: "postcode|post code|postal code|zip|zip code|zip/postal code|postcode/zip|postal/zip code|postal / zip code",
      other:
        "county|region|state|province|country|website|web|vat number|balance|reference|account number|account|code|notes|" +
        "currency|terms|payment terms|created|a/c|type|bank|amount|date|twitter|linkedin|skype",
      status: "status|contact status|account status|customer status|supplier status",
    }).flatMap(([field, labels]) => labels.split("|").map((label) => [label, field])),
  );

  /** @param {string | null | undefined} value */
  const clean = (value) => (value ?? "").replace(/[\s\u00a0\u200b]+/g, " ").trim().slice(0, MAX_TEXT_LENGTH);
  /** @param {string | null} value */
  const cleanLines = (value) => (value ?? "").split("\n").map(clean).filter(Boolean);

  /** @param {string} text */
  const fieldOf = (text) => {
    if (text.length > 50) return undefined;
    const label = text.toLowerCase().replace(/\((?:optional|required)\)/, "").replace(/[:*\s]+$/, "").trim();
    const field = LABELS.get(label) ?? LABELS.get(label.replace(/ ?[1-9]$/, ""));
    return field === "address" && /[1-9]$/.test(label) ? "line" : field;
  };

  /** Whether an element is the page's own, with all in it: navigation, hidden, the user. @param {Element} element */
  const isPagesOwn = (element) => {
    if (SKIPPED.test(element.tagName) || ROLES.test(element.getAttribute("role") ?? "")) return true;
    if (element.tagName === "HEADER" && !element.closest("main, article, section, [role=main]")) return true;
    if (element.hasAttribute("hidden") || element.getAttribute("aria-hidden") === "true") return true;
    if (/display:\s*none|visibility:\s*hidden/i.test(element.getAttribute("style") ?? "")) return true;
    if (element.tagName === "BODY" || element.tagName === "MAIN") return false;
    if (PAGES_OWN.test(`${element.getAttribute("class") ?? ""} ${element.id}`)) return true;
    return element.checkVisibility?.() === false && getComputedStyle(element).display !== "contents";
  };

  /** @param {Element} element */
  const isInPagesOwn = (element) => {
    let at = /** @type {Element | null} */ (element);
    while (at && !isPagesOwn(at)) at = at.parentElement;
    return at !== null;
  };

  /** Whether an element starts a line of its own, by its tag or by the page's style. @param {Element} element */
  const isBlock = (element) =>
    !INLINE.test(element.tagName) || !/^(?:inline|contents|)$/.test(getComputedStyle(element).display);

  /** What a form's field holds; null when it is none, or none that tells about a contact. @param {Element} element */
  const typedIn = (element) => {
    const control = /** @type {HTMLInputElement} */ (element);
    if (element.tagName === "TEXTAREA") return control.value;
    return element.tagName === "INPUT" && /^(?:text|email|tel|)$/.test(control.type) ? control.value : null;
  };

  /**
   * The text of a node in lines, as a reader sees it: a block or a <br> starts a new line.
   * @param {Node} top
   * @param {boolean} [withoutBadges]
   */
  const linesOf = (top, withoutBadges = false) => {
    const lines = [""];
    let left = 400;
    /** @param {Node} node */
    const visit = (node) => {
      if (left-- <= 0 || lines.length > MAX_LINES) return;
      if (node.nodeType === 3) lines[lines.length - 1] += (node.nodeValue ?? "").slice(0, MAX_TEXT_LENGTH);
      if (node.nodeType !== 1) return;
      const element = /** @type {Element} */ (node);
      if (element !== top) {
        if (/^(?:BUTTON|SELECT)$/.test(element.tagName) || isPagesOwn(element)) return;
        if (withoutBadges && BADGE.test(element.getAttribute("class") ?? "")) return;
      }
      const ends = element.tagName === "BR" || isBlock(element) ? [""] : [];
      lines.push(...ends, ...cleanLines(typedIn(element)));
      for (let child = element.firstChild; child && left > 0; child = child.nextSibling) visit(child);
      lines.push(...ends);
    };
    visit(top);
    return lines.map(clean).filter(Boolean);
  };

  /** The text of a small element; "" when it is longer than `most`. @param {Element} element @param {number} most */
  const smallText = (element, most) => {
    const walker = document.createTreeWalker(element, 5);
    let text = "";
    for (let steps = 0; walker.nextNode(); steps += 1) {
      text += walker.currentNode.nodeType === 3 ? walker.currentNode.nodeValue : "";
      if (text.length > most * 2 || steps > 80) return "";
    }
    return clean(text).length > most ? "" : clean(text);
  };

  /** The text of an element itself. @param {Element} element */
  const ownText = (element) => {
    const texts = Array.from(element.childNodes).slice(0, 20).filter((node) => node.nodeType === 3);
    return clean(texts.map((node) => (node.nodeValue ?? "").slice(0, 100)).join(" "));
  };

  let scope = document.documentElement;
  /** @type {Element[]} the page's elements without its own parts, in order */
  const elements = [];
  /** @type {Record<string, string[][]>} field → values, each in lines */
  const found = {};

  const survey = () => {
    const mains = Array.from(document.querySelectorAll("main, [role=main]"));
    scope = /** @type {HTMLElement} */ (mains.find((one) => !isInPagesOwn(one)) ?? document.body ?? scope);
    const walker = document.createTreeWalker(scope, 1, (node) => (isPagesOwn(/** @type {Element} */ (node)) ? 2 : 1));
    while (elements.length < MAX_ELEMENTS && walker.nextNode()) {
      elements.push(/** @type {Element} */ (walker.currentNode));
    }
  };

  /** @param {string | undefined} field @param {string[]} lines */
  const keep = (field, lines) => {
    const values = lines.filter((line) => line && !NO_VALUE.test(line));
    if (field && values[0] && !fieldOf(values[0])) (found[field] ??= []).push(values);
  };

  /** @param {string} field */
  const first = (field) => found[field]?.[0]?.[0] ?? "";

  /** @param {string} selector a hint; none where no browser understands it */
  const all = (selector) => {
    try {
      return Array.from(document.querySelectorAll(selector)).slice(0, 50);
    } catch {
      return [];
    }
  };

  /** Where a mailto: or tel: link leads; null when it is none. @param {Element} element */
  const addressed = (element) => {
    const [, scheme, rest = ""] = /^(mailto|tel):([^?,]*)/i.exec(element.getAttribute("href") ?? "") ?? [];
    if (!scheme) return null;
    const shown = linesOf(element).join(" ");
    if (scheme.toLowerCase() === "tel" && shown.match(PHONE)) return [shown];
    return [clean(rest.replace(/%(?:40|20|2B)/gi, (code) => decodeURIComponent(code)))];
  };

  const readHints = () => {
    for (const field of /** @type {const} */ (["name", "company", "person", "email", "phone", "address"])) {
      for (const element of (hints[field] ?? []).flatMap(all)) {
        if (!isInPagesOwn(element)) keep(field, addressed(element) ?? linesOf(element, true));
      }
    }
    const icons = new Map(Object.entries(hints.icons ?? {}));
    for (const title of all("svg title")) {
      const field = icons.get(clean(title.textContent));
      let block = title.closest("svg")?.parentElement;
      for (let up = 0; field && block && up < 4 && !linesOf(block).length; up += 1) block = block.parentElement;
      if (field && block && !isInPagesOwn(block)) keep(field, linesOf(block).filter((line) => !fieldOf(line)));
    }
  };

  const readMicrodata = () => {
    const properties = new Map([
      ["name", "name"], ["legalName", "company"], ["email", "email"], ["telephone", "phone"],
      ["streetAddress", "line"], ["addressLocality", "town"], ["postalCode", "postcode"],
    ]);
    for (const element of elements) {
      const field = properties.get(element.getAttribute("itemprop") ?? "");
      const owner = field ? (element.closest("[itemtype]")?.getAttribute("itemtype") ?? "") : "";
      if (!/schema\.org\/(?:Person|Organization|Corporation|LocalBusiness|PostalAddress|ContactPoint)/.test(owner)) continue;
      const content = cleanLines(element.getAttribute("content"));
      keep(field, content.length ? content : (addressed(element) ?? linesOf(element)));
    }
  };

  /** The lines that follow a node, up to the next label, line or cell. @param {Node} node @param {boolean} heading */
  const linesAfter = (node, heading) => {
    /** @type {string[]} */
    const lines = [];
    let next = node.nextSibling;
    for (let steps = 0; next && steps < 20; next = next.nextSibling, steps += 1) {
      const tag = /** @type {Element} */ (next).tagName ?? "";
      if (lines.length && /^(?:BR|D[DT]|T[DH]|H[1-6])$/.test(tag)) break;
      const more = tag && isPagesOwn(/** @type {Element} */ (next)) ? [] : linesOf(next);
      if (fieldOf(more[0] ?? "")) break;
      lines.push(...more);
      if (lines.length && tag && !(heading && tag === "P")) break;
    }
    return lines;
  };

  /** The lines of what is beside a label. @param {Element} label */
  const valueOf = (label) => {
    const { control: own } = /** @type {HTMLLabelElement} */ (label);
    const control = own ?? document.getElementById(label.getAttribute("for") ?? "");
    if (control) return typedIn(control) === null ? linesOf(control) : cleanLines(typedIn(control));
    const text = smallText(label, 60);
    for (let at = label, up = 0; up < 3 && at !== scope; up += 1) {
      const lines = linesAfter(at, /^H[1-6]$/.test(label.tagName));
      const parent = at.parentElement;
      if (lines.length || !parent || smallText(parent, 60) !== text) return lines;
      at = parent;
    }
    return [];
  };

  const readLabels = () => {
    for (const element of elements) {
      const named = clean(element.getAttribute("aria-label") ?? element.getAttribute("placeholder"));
      keep(fieldOf(named), cleanLines(typedIn(element)));
      if (element.childElementCount > 3) continue;
      const text = element.tagName === "LABEL" ? (linesOf(element)[0] ?? "") : smallText(element, 300);
      if (fieldOf(text)) keep(fieldOf(text), valueOf(element));
      const [, label = "", value] = /^([^:]{2,30}):\s*(\S.*)$/.exec(element.childElementCount ? "" : text) ?? [];
      keep(fieldOf(label), [value ?? ""]);
    }
  };

  /** Whether nothing says that this is about the contact: a table of many, or the user. @param {Element} element */
  const isElsewhere = (element) =>
    element.closest("table") !== null || SIGNED_IN.test(element.parentElement ? smallText(element.parentElement, 300) : "");

  /** The emails in a text, each once. @param {string} text */
  const emailsIn = (text) => {
    /** @type {Map<string, string>} */
    const emails = new Map();
    for (const [email] of text.matchAll(new RegExp(EMAIL, "gi"))) {
      if (!emails.has(email.toLowerCase())) emails.set(email.toLowerCase(), email);
    }
    return [...emails.values()].slice(0, MAX_EMAILS);
  };

  const emailsOfPage = () => {
    const labelled = emailsIn((found.email ?? []).flat().join(" "));
    if (labelled.length) return labelled;
    const links = elements.filter((one) => /^mailto:/i.test(one.getAttribute("href") ?? ""));
    for (const element of [...links, ...elements.filter((one) => EMAIL.test(ownText(one)))]) {
      const text = addressed(element)?.[0] ?? ownText(element);
      const emails = emailsIn(text);
      const more = text.length - emails.join("").length;
      if (emails.length && more < 10 * emails.length && !isElsewhere(element)) return emails;
    }
    return [];
  };

  /** @param {string} text */
  const digitsOf = (text) => text.replace(/\D/g, "");

  /**
   * The numbers in a run of digits and spaces: one, or several that nothing but a space parts.
   * @param {string} run
   * @returns {string[]}
   */
  const numbersIn = (run) => {
    if (digitsOf(run).length < 18) return [run];
    for (const { index } of run.matchAll(/\(?0|\+/g)) {
      const [before, after] = [run.slice(0, index), run.slice(index)];
      const size = digitsOf(before).length;
      if (size >= 10 && size <= 13 && digitsOf(after).length >= 9) return [before, ...numbersIn(after)];
    }
    return [run];
  };

  const phonesOfPage = () => {
    /** @type {Map<string, string>} */
    const phones = new Map();
    const faxes = new Set((found.fax ?? []).map((lines) => lines.join("").replace(/\D/g, "").slice(-9)));
    /** @param {string} text */
    const add = (text) => {
      for (const match of (text.match(PHONE) ?? []).flatMap(numbersIn)) {
        const digits = match.replace(/(?:x|ext).*/i, "").replace(/\D/g, "");
        const key = digits.slice(-9);
        if (digits.length < 9 || digits.length > 15 || faxes.has(key) || phones.size >= MAX_PHONES) continue;
        if (!phones.has(key)) phones.set(key, clean(match));
      }
    };
    for (const lines of found.phone ?? []) {
      const numbers = lines.map((line) => line.replace(FAX, " ")).filter((line) => !/^\W*fax\b/i.test(line));
      numbers.forEach(add);
    }
    const links = elements.filter((one) => /^tel:/i.test(one.getAttribute("href") ?? "") && !isElsewhere(one));
    for (const link of links) add(addressed(link)?.[0] ?? "");
    const alone = elements.filter((one) => /^[+(0][0-9 +().x-]{8,24}$/i.test(ownText(one)) && !isElsewhere(one));
    if (!phones.size) alone.map(ownText).forEach(add);
    return [...phones.values()];
  };

  /** @param {string} line */
  const hasPostcode = (line) => line.length < 120 && (UK.test(line) || US.test(line));
  /** @param {Element} element */
  const holdsPostcode = (element) => /[0-9][A-Z0-9]{2}/i.test(smallText(element, 600)) && linesOf(element).some(hasPostcode);

  /** The lines that end in the first postcode on the page, for a page without labels. */
  const linesToPostcode = () => {
    let block = elements.find((one) => holdsPostcode(one) && !isElsewhere(one));
    for (let inner = block; inner; inner = Array.from(inner.children).find(holdsPostcode)) block = inner;
    for (let up = 0; block && up < 3; up += 1) {
      const lines = linesOf(block);
      const last = lines.findIndex(hasPostcode);
      if (last > 0 || lines[last]?.includes(",")) return lines.slice(Math.max(0, last - 5), last + 1);
      block = block === scope ? undefined : (block.parentElement ?? undefined);
    }
    return [];
  };

  /** @param {string[]} lines @param {string[]} names that are no part of an address */
  const placeOf = (lines, names) => {
    const parts = lines
      .filter((line) => !EMAIL.test(line) && !fieldOf(line) && !/^(?:tel|phone|fax|mobile|attention|attn)\b/i.test(line))
      .flatMap((line) => line.split(/\s*[,;]\s*/))
      .filter((part) => part && !names.includes(part) && !COUNTRY.test(part));
    const last = parts.findLastIndex((part) => UK.test(part) || US.test(part) || /^[0-9]{5}(?:-[0-9]{4})?$/.test(part));
    const place = parts[last] ?? "";
    const british = UK.exec(place);
    const american = british ? null : US.exec(place);
    const rest = british ? clean(place.replace(british[0], "")) : clean(american?.[1]);
    const before = [...(last < 0 ? parts : parts.slice(0, last)), rest].filter(Boolean);
    const end = before.at(-1) ?? "";
    if (before.length > 2 && (COUNTY.test(end) || /^[A-Z]{2}$/.test(end))) before.pop();
    const town = before.length > 1 || !/[0-9]/.test(end) ? (before.pop() ?? "") : "";
    const postcode = british ? `${british[1]} ${british[2]}`.toUpperCase() : (american?.[3] ?? parts[last] ?? "");
    return { address: before.join(", "), town, postcode };
  };

  /** @param {{address: string, town: string, postcode: string}} place */
  const keyOf = (place) => Object.values(place).join("").toLowerCase().replace(/[^a-z0-9]/g, "");

  /**
   * Where else the contact is: a second address, or where goods go.
   * @param {string[]} names
   * @param {{address: string, town: string, postcode: string}} main
   */
  const otherPlaces = (names, main) => {
    const several = [...(found.address ?? []).slice(found.line ? 0 : 1), ...(found.delivery ?? [])];
    const places = new Map(several.map((lines) => placeOf(lines, names)).map((place) => [keyOf(place), place]));
    places.delete("");
    places.delete(keyOf(main));
    return [...places.values()].slice(0, MAX_ADDRESSES);
  };

  /** Whether the package says that the contact is not used any more. */
  const isRetired = () => {
    if ((found.status ?? []).flat().some((line) => RETIRED.test(line))) return true;
    return elements.some((one) => {
      if (one.childElementCount > 1 || one.closest("a, button, select, table, [role=tab], [role=tablist]")) return false;
      const text = smallText(one, 200);
      const badge = BADGE.test(one.getAttribute("class") ?? "") && RETIRED.test(text);
      return text !== "" && (badge || SAYS_RETIRED.test(text));
    });
  };

  /** What the browser or the page does to what is read: it was translated, or is not there yet. */
  const pageState = () => {
    const { className } = document.documentElement;
    const translated = /\btranslated-(?:ltr|rtl)\b/.test(className) || document.querySelector("[_msttexthash], font > font[style*='vertical-align']") !== null;
    const loading = document.querySelector("[aria-busy=true], [role=progressbar]") !== null ||
      /^\s*loading\b/i.test(document.title) || /^\s*loading\b/i.test(document.body?.textContent ?? "");
    return { ...(translated ? { translated } : {}), ...(loading ? { loading } : {}) };
  };

  /** @param {string[]} names */
  const placeOfPage = (names) => {
    const [town, postcode] = [first("town"), first("postcode")];
    const lines = found.line?.map((line) => line.join(", ")) ?? found.address?.[0] ?? [];
    const place = placeOf([...lines, town, postcode].filter(Boolean), names);
    if (lines.length || town || postcode) return { ...place, town: town || place.town };
    const element = elements.find((one) => one.tagName === "ADDRESS");
    return placeOf(element ? linesOf(element) : (found.delivery?.[0] ?? linesToPostcode()), names);
  };

  /** Whether a text can be a name: neither the package's own nor a heading for something. @param {string} text */
  const isName = (text) =>
    text !== "" && text.length < 150 && !GENERIC.test(text) && !fieldOf(text) &&
    !(hints.titles ?? []).some((title) => title.toLowerCase() === text.toLowerCase());

  const nameOfTitle = () => document.title.slice(0, MAX_TEXT_LENGTH).split(/\s+[|–—·•:»-]+\s+|\s*\|\s*/).map(clean).find(isName) ?? "";

  /** @param {RegExp} tags */
  const nameOfHeading = (tags) => {
    const headings = elements.filter((one) => tags.test(one.tagName) || tags.test(`H${one.getAttribute("aria-level")}`));
    return headings.slice(0, 20).map((one) => linesOf(one, true)[0] ?? "").find(isName) ?? "";
  };

  const read = () => {
    survey();
    readHints();
    const hinted = first("name");
    readMicrodata();
    readLabels();
    const company = first("company");
    const people = (found.person ?? []).flat().filter((line) => !EMAIL.test(line) && !/[0-9]{5}/.test(line));
    const person = people[0] ?? clean(`${first("first")} ${first("last")}`);
    const named = hinted || nameOfHeading(/^H1$/) || first("name") || company;
    const name = named || nameOfHeading(/^H[23]$/) || person || nameOfTitle();
    const [email = "", ...others] = emailsOfPage();
    const names = [name, company, person];
    const place = placeOfPage(names);
    const more = { other_emails: others, other_addresses: otherPlaces(names, place), retired: isRetired() };
    return { name, company, person, email, phones: phonesOfPage(), ...place, ...more, kind: null, ...pageState() };
  };

  try {
    return read();
  } catch {
    const nothing = { name: "", company: "", person: "", email: "", phones: [], address: "", town: "", postcode: "" };
    return { ...nothing, other_emails: [], other_addresses: [], retired: false, kind: null };
  }
}
