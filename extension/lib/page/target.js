// @ts-check
// What a tab, a pasted address or typed fields point at.

import { cleanDetails, emptyDetails, isEmpty, pageState, sameDetails } from "./contact.js";
import { listContacts } from "./read_list.js";
import { canonicalReference, cautions, locate, rulesOf } from "./locate.js";

/** @typedef {import("./rule_types.js").Packages} Packages */
/** @typedef {import("../types.js").Contact} Contact */
/** @typedef {import("../types.js").Details} Details */
/** @typedef {import("../types.js").Kind} Kind */
/** @typedef {import("../types.js").Location} Location */
/** @typedef {import("../types.js").ContactSnapshot} ContactSnapshot */

/**
 * What is needed of the browser's tabs.
 * @typedef {object} Tabs
 * @property {(tab: number) => Promise<string | null>} address null when the tab is gone or may not be looked at
 * @property {(tab: number, hints: any) => Promise<unknown>} read what the page says; null when it may not be read
 * @property {(milliseconds: number) => Promise<void>} wait
 * @property {(tab: number) => Promise<unknown>} readList the links of a list's page and their rows
 */

/**
 * @typedef {{page: "contact", source: ContactSnapshot["source"], tab: number | null, address?: string, contact: Contact,
 *   details: Details, translated?: boolean}} AtContact
 * @typedef {{page: "list", package: string, package_name: string, kind: Kind | null, organisation: string | null,
 *   contacts: import("./read_list.js").Listed[]}} AtList the contacts are all of one organisation
 * @typedef {{page: null}} NoTarget
 * @typedef {{page: "record"}} AtRecord a Commusoft record's own page
 */

/** A page on its way from one contact to the next is read once more, and then not for ever. */
const MAX_READS = 3;
/** A page that is loading is looked at again for three seconds: then the person decides. */
const MAX_LOADING_READS = 7;
const LOADING_PAUSE_MS = 500;

/**
 * @param {number} tab
 * @param {Packages} packages
 * @param {Tabs} tabs
 * @returns {Promise<AtContact | AtList | AtRecord | NoTarget>}
 */
export async function targetOfTab(tab, packages, tabs) {
  let address = await tabs.address(tab);
  for (let reading = 0; address !== null && reading < MAX_READS; reading += 1) {
    const found = await read(tab, locate(address, packages), packages, tabs);
    if (found.page === null) return found;
    const after = await tabs.address(tab);
    if (after === address) return found;
    address = after;
  }
  return { page: null };
}

/**
 * What the page of an address shows now; the tab may have gone on to another address meanwhile.
 * @param {number} tab
 * @param {Location} location
 * @param {Packages} packages
 * @param {Tabs} tabs
 * @returns {Promise<AtContact | AtList | AtRecord | NoTarget>}
 */
async function read(tab, location, packages, tabs) {
  if (location.page === "list") return placeOfList(location, await tabs.readList(tab), packages);
  if (location.page === "record") return { page: "record" };
  if (location.page !== "contact") return { page: null };
  const { details, translated } = await readOnceLoaded(tab, location, packages, tabs);
  return { page: "contact", source: "tab", tab, contact: contactAt(location, packages), details, translated };
}

/**
 * @param {string} address as pasted
 * @param {Packages} packages
 * @returns {AtContact | AtList | NoTarget}
 */
export function targetOfUrl(address, packages) {
  const pasted = address.trim();
  const location = locate(pasted, packages);
  if (location.page === "list") return placeOfList(location, [], packages);
  if (location.page !== "contact") return { page: null };
  const contact = contactAt(location, packages);
  return { page: "contact", source: "address", tab: null, address: pasted, contact, details: emptyDetails() };
}

/**
 * A contact of a package that has no pages.
 * @param {{package: string, reference: string, name: string, postcode: string, kind: Kind}} typed
 * @param {Packages} packages
 * @returns {AtContact | {expected: string}} in words what the reference should look like, when it does not
 */
export function targetFromForm(typed, packages) {
  const rule = packages.packages[typed.package];
  if (!rule?.by_hand) return { expected: "" };
  let reference;
  try {
    reference = canonicalReference(typed.package, typed.reference, packages);
  } catch {
    return { expected: rule.reference.expected };
  }
  const location = { url: "", page: null, organisation: null, record: null, package: typed.package, kind: typed.kind, reference };
  const details = cleanDetails({ name: typed.name, postcode: typed.postcode });
  return { page: "contact", source: "hand", tab: null, contact: contactAt(location, packages), details };
}

/**
 * Look again, just before it matters: the page may show another contact, and newer rules may read the address anew.
 * @param {ContactSnapshot} snapshot
 * @param {Packages} packages
 * @param {Tabs} tabs
 * @returns {Promise<"same" | "tab-closed" | "tab-moved" | "contact-changed">}
 */
export async function isSameContact(snapshot, packages, tabs) {
  if (snapshot.address !== undefined && !isContact(locate(snapshot.address, packages), snapshot.contact)) return "tab-moved";
  if (snapshot.tab === null) return "same";
  const address = await tabs.address(snapshot.tab);
  if (address === null) return "tab-closed";
  const location = locate(address, packages);
  if (!isContact(location, snapshot.contact)) return "tab-moved";
  const details = await detailsIn(snapshot.tab, location, packages, tabs);
  if ((await tabs.address(snapshot.tab)) !== address) return "tab-moved";
  return sameDetails(snapshot.details, details) ? "same" : "contact-changed";
}

/**
 * @param {Location} location
 * @param {Contact} contact
 */
function isContact(location, contact) {
  return (
    location.page === "contact" &&
    location.package === contact.package &&
    location.reference === contact.reference &&
    location.organisation === contact.organisation &&
    location.kind === contact.kind
  );
}

/**
 * @param {number} tab
 * @param {Location} location
 * @param {Packages} packages
 * @param {Tabs} tabs
 */
async function detailsIn(tab, location, packages, tabs) {
  return cleanDetails(await tabs.read(tab, hintsFor(location, packages)));
}

/**
 * What the page shows; one that shows nothing yet and says that it is loading is waited for, but not for ever.
 * @param {number} tab
 * @param {Location} location
 * @param {Packages} packages
 * @param {Tabs} tabs
 */
async function readOnceLoaded(tab, location, packages, tabs) {
  for (let reading = 1; ; reading += 1) {
    const reply = await tabs.read(tab, hintsFor(location, packages));
    const details = cleanDetails(reply);
    const { translated, loading } = pageState(reply);
    if (!isEmpty(details) || !loading || reading === MAX_LOADING_READS) return { details, translated };
    await tabs.wait(LOADING_PAUSE_MS);
  }
}

/**
 * @param {Location} location
 * @param {Packages} packages
 */
function hintsFor(location, packages) {
  return rulesOf(location.package, packages).hints ?? {};
}

/**
 * @param {Location} location of a contact
 * @param {Packages} packages
 * @returns {Contact}
 */
export function contactAt(location, packages) {
  return {
    package: String(location.package),
    package_name: rulesOf(location.package, packages).name,
    kind: location.kind,
    reference: String(location.reference),
    organisation: location.organisation,
    cautions: cautions(location, packages),
  };
}

/**
 * @param {Location} location
 * @param {unknown} rows what `readList` returned
 * @param {Packages} packages
 * @returns {AtList}
 */
function placeOfList(location, rows, packages) {
  const { name } = rulesOf(location.package, packages);
  const listed = listContacts(rows, packages, location);
  const organisation = location.organisation ?? listed[0]?.organisation ?? null;
  const contacts = listed.filter((one) => one.organisation === organisation);
  return { page: "list", package: String(location.package), package_name: name, kind: location.kind, organisation, contacts };
}
