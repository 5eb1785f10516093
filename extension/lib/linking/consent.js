// @ts-check
// What a person allows so that the button can be on a package's pages.

/** Firefox's name for addresses that a person only looks at. */
const VISITS = ["browsingActivity"];

/**
 * The hosts, and in a browser that asks for it the consent to tell the server which contact is looked at.
 * @param {string[]} origins
 * @param {object} all as permissions.getAll gives it
 * @returns {{origins: string[]}}
 */
export function requiredPermissions(origins, all) {
  return "data_collection" in all ? { origins, .../** @type {object} */ ({ data_collection: VISITS }) } : { origins };
}
