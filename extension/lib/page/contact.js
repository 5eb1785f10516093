// @ts-check
// Is this still the contact that was looked at?

/** @typedef {import("../types.js").Contact} Contact */
/** @typedef {import("../types.js").Details} Details */

/** @type {Details} */
const NOTHING = Object.freeze({
  name: "",
  company: "",
  person: "",
  email: "",
  phones: [],
  address: "",
  town: "",
  postcode: "",
  other_emails: [],
  other_addresses: [],
  retired: false,
});

/**
 * What a page's reading function returned, made safe: it ran in a page that is not ours.
 * @param {unknown} read
 * @returns {Details}
 */
export function cleanDetails(read) {
  const fields = /** @type {Record<string, unknown>} */ (typeof read === "object" && read !== null ? read : {});
  const places = Array.isArray(fields.other_addresses) ? fields.other_addresses.slice(0, 5).map(cleanAddress) : [];
  return {
    name: cleanText(fields.name),
    company: cleanText(fields.company),
    person: cleanText(fields.person),
    email: cleanText(fields.email),
    phones: cleanTexts(fields.phones),
    address: cleanText(fields.address),
    town: cleanText(fields.town),
    postcode: cleanText(fields.postcode),
    other_emails: cleanTexts(fields.other_emails),
    other_addresses: places.filter((place) => place.address || place.town || place.postcode),
    retired: fields.retired === true,
  };
}

/**
 * What a page's reading function said of the page itself.
 * @param {unknown} read
 */
export function pageState(read) {
  const fields = /** @type {Record<string, unknown>} */ (typeof read === "object" && read !== null ? read : {});
  return { translated: fields.translated === true, loading: fields.loading === true };
}

/** @param {unknown} values */
function cleanTexts(values) {
  return Array.isArray(values) ? values.map(cleanText).filter(Boolean).slice(0, 10) : [];
}

/** @param {unknown} place */
function cleanAddress(place) {
  const fields = /** @type {Record<string, unknown>} */ (typeof place === "object" && place !== null ? place : {});
  return { address: cleanText(fields.address), town: cleanText(fields.town), postcode: cleanText(fields.postcode) };
}

/** @param {unknown} value */
function cleanText(value) {
  return typeof value === "string" ? value.replace(/\s+/g, " ").trim().slice(0, 300) : "";
}

/** @param {Details} details */
export function isEmpty(details) {
  return !(details.name || details.company || details.person || details.email || details.postcode ||
    details.address || details.phones.length || details.other_addresses?.length);
}

/**
 * The contact's name as the page has it, or "".
 * @param {Details} details
 */
export function displayName(details) {
  return details.name || details.company || details.person;
}

/**
 * The key that tells contacts apart. Customer 12 and supplier 12 are two contacts.
 * @param {Contact} contact
 */
export function contactKey(contact) {
  return JSON.stringify([contact.package, contact.organisation, contact.kind, contact.reference]);
}

/**
 * Whether two readings can be of one contact. Parts of a page may arrive late, so an email or a person that was
 * missing may appear; a name may not change, appear or go, for then one of the readings met a page on its way
 * from one contact to the next.
 * @param {Details} before
 * @param {Details} after
 */
export function sameDetails(before, after) {
  if (displayName(before) !== displayName(after) || isEmpty(before) !== isEmpty(after)) return false;
  return /** @type {const} */ (["name", "company", "person", "email"]).every(
    (field) => !before[field] || !after[field] || before[field] === after[field],
  );
}

/**
 * What to ask suggestions with: what the page said, and over it what the clerk typed.
 * @param {Details} details
 * @param {{name: string, postcode: string} | null} typed
 * @returns {Details}
 */
export function withOverrides(details, typed) {
  if (!typed) return details;
  const name = cleanText(typed.name);
  const postcode = cleanText(typed.postcode);
  const named = name && name !== displayName(details) ? { ...NOTHING, name } : details;
  return postcode && postcode !== named.postcode ? { ...named, postcode } : named;
}

/** @returns {Details} */
export function emptyDetails() {
  return { ...NOTHING, phones: [], other_emails: [], other_addresses: [] };
}
