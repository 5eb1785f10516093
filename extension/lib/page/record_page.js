// @ts-check
// A Commusoft record by its page's address, and what is to be looked for there.

import { locate } from "./locate.js";

/** @typedef {import("../types.js").Kind} Kind */
/** @typedef {import("../types.js").CrmRecord} CrmRecord */
/** @typedef {import("../types.js").Workspace} Workspace */

/** The package that the switch for Commusoft's pages stands for. */
export const COMMUSOFT = "commusoft";

/** @typedef {{id: string, kind: Kind, number: string, host: string}} RecordPage */

/**
 * The record that an address shows; null for any other page, and for another Commusoft than the workspace's.
 * @param {string | null} address
 * @param {any} packages
 * @param {Pick<Workspace, "commusoft_origin">} workspace
 * @returns {RecordPage | null}
 */
export function recordAt(address, packages, workspace) {
  if (address === null) return null;
  const { page, kind, record } = locate(address, packages);
  if (page !== "record" || kind === null || record === null) return null;
  const { host } = new URL(address);
  return isOfWorkspace(host, packages, workspace) ? { id: `${kind}-${record}`, kind, number: record, host } : null;
}

/**
 * Numbers mean other records on another host. A workspace whose own address is none of Commusoft's, as in practice,
 * takes any of them.
 * @param {string} host
 * @param {any} packages
 * @param {Pick<Workspace, "commusoft_origin">} workspace
 */
function isOfWorkspace(host, packages, { commusoft_origin: origin }) {
  const own = origin && URL.canParse(origin) ? new URL(origin).host : "";
  return !hostsOf(packages).includes(own) || host === own;
}

/** @param {any} packages @returns {string[]} */
function hostsOf(packages) {
  return packages.crms?.[COMMUSOFT]?.hosts ?? [];
}

/**
 * Commusoft for the switches: the workspace's own host where it is known, else all of them.
 * @param {any} packages
 * @param {Pick<Workspace, "commusoft_origin"> | null} workspace
 * @returns {{name: string, hosts: string[]} | null}
 */
export function commusoftSite(packages, workspace) {
  const rule = packages?.crms?.[COMMUSOFT];
  if (!rule) return null;
  const origin = workspace?.commusoft_origin;
  const own = origin && URL.canParse(origin) ? new URL(origin) : null;
  const known = own?.protocol === "https:" && rule.hosts.includes(own.host);
  return { name: String(rule.name), hosts: known && own ? [own.host] : rule.hosts };
}

/**
 * What our scripts look for in a record's page.
 * @param {RecordPage} place
 * @param {Partial<CrmRecord> | null} record
 * @param {any} packages
 * @param {Pick<Workspace, "record_fields">} workspace
 * @returns {import("../commusoft/types.js").Search}
 */
export function searchFor(place, record, packages, { record_fields: fields }) {
  const names = [record?.label, record?.company, record?.name].filter((one) => typeof one === "string" && one !== "");
  const shown = fields?.find((one) => one.kind === place.kind && one.host === place.host) ?? null;
  return {
    labels: packages.crms?.[COMMUSOFT]?.reference_labels ?? [],
    subject: { kind: place.kind, number: place.number, names: [...new Set(/** @type {string[]} */ (names))] },
    rule: shown ? { selector: shown.selector, label: shown.label } : null,
  };
}
