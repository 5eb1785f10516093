// @ts-check
// Sage Business Cloud takes a record for its contact's only when name, address and email are the same to the letter.

import { displayName } from "../page/contact.js";

/** @typedef {import("../types.js").CrmRecord} CrmRecord */
/** @typedef {import("../types.js").Details} Details */
/** @typedef {import("../types.js").Difference} Difference */

/** The longest text that the server keeps with a link. */
const MAX_TEXT_LENGTH = 500;

/** @param {string} name of the package */
export function needsExactMatch(name) {
  return name === "sage_business_cloud";
}

/**
 * What is compared, whether it differs or not.
 * @param {Details} details the contact's
 * @param {CrmRecord} record
 * @returns {Difference[]}
 */
export function exactFields(details, record) {
  return [
    { field: "name", contact: displayName(details), record: record.label },
    { field: "address", contact: placeOf(details), record: placeOf(record) },
    { field: "email", contact: details.email, record: record.email },
  ];
}

/**
 * The differences that a person links over, as they are kept with the link; none where a package does not mind.
 * @param {string} name of the package
 * @param {Details} details
 * @param {CrmRecord} record
 * @returns {Difference[]}
 */
export function differencesOver(name, details, record) {
  if (!needsExactMatch(name)) return [];
  return exactFields(details, record)
    .filter((one) => one.contact !== one.record)
    .map((one) => ({ ...one, contact: one.contact.slice(0, MAX_TEXT_LENGTH), record: one.record.slice(0, MAX_TEXT_LENGTH) }));
}

/** @param {{address: string, town: string, postcode: string}} of */
function placeOf({ address, town, postcode }) {
  return [address, town, postcode].filter(Boolean).join(", ");
}
