// @ts-check
// A Commusoft record by its page's address, and what is to be looked for there.

import { isOwnCrm, ownHosts } from "./crm_tables.js";
import { locate } from "./locate.js";

/** @typedef {import("./rule_types.js").Packages} Packages */
/** @typedef {import("../types.js").Kind} Kind */
/** @typedef {import("../types.js").CrmRecord} CrmRecord */
/** @typedef {import("../types.js").Workspace} Workspace */

/** The package that the switch for Commusoft's pages stands for. */
export const COMMUSOFT = "commusoft";

/** @typedef {{id: string, kind: Kind, number: string, host: string}} RecordPage */

/**
 * The record that an address shows; null for any other page, and for another Commusoft than the workspace's.
 * @param {string | null} address
 * @param {Packages} packages
 * @param {Pick<Workspace, "commusoft_origin" | "commusoft_hosts">} workspace
 * @returns {RecordPage | null}
 */
export function recordAt(address, packages, workspace) {
  if (address === null || !isOwnCrm(address, packages, workspace)) return null;
  const { page, kind, record } = locate(address, packages);
  if (page !== "record" || kind === null || record === null) return null;
  return { id: `${kind}-${record}`, kind, number: record, host: new URL(address).host };
}

/**
 * Commusoft for the switches: the workspace's own hosts where they are known, else all that the rules name.
 * @param {Packages | null} packages
 * @param {Pick<Workspace, "commusoft_origin" | "commusoft_hosts"> | null} workspace
 * @returns {{name: string, hosts: string[], scheme?: string} | null}
 */
export function commusoftSite(packages, workspace) {
  const rule = packages?.crms?.[COMMUSOFT];
  const own = workspace ? ownHosts(workspace) : [];
  return rule ? { name: String(rule.name), hosts: own.length > 0 ? own : rule.hosts, scheme: rule.scheme } : null;
}

/**
 * What our scripts look for in a record's page.
 * @param {RecordPage} place
 * @param {Partial<CrmRecord> | null} record
 * @param {Packages} packages
 * @param {Pick<Workspace, "record_fields">} workspace
 * @returns {import("../commusoft/types.js").Search}
 */
export function searchFor(place, record, packages, { record_fields: fields }) {
  const names = [record?.label, record?.company, record?.name].filter((one) => typeof one === "string" && one !== "");
  const shown = fields?.find((one) => one.kind === place.kind && one.host === place.host) ?? null;
  return {
    labels: packages.crms?.[COMMUSOFT]?.reference_labels ?? [],
    edits: packages.crms?.[COMMUSOFT]?.edit_words ?? [],
    subject: { kind: place.kind, number: place.number, names: [...new Set(/** @type {string[]} */ (names))] },
    rule: shown ? { selector: shown.selector, label: shown.label } : null,
  };
}
