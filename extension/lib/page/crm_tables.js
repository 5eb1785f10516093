// @ts-check
// Commusoft's pages with many customers or suppliers: the table of references, and the lists.

import { locate } from "./locate.js";

/** @typedef {import("./rule_types.js").Packages} Packages */
/** @typedef {import("./rule_types.js").Kind} Kind */
/** @typedef {import("../commusoft/table/types.js").TableRules} TableRules */
/** @typedef {import("../commusoft/table/types.js").ReadTable} ReadTable */
/** @typedef {import("./read_list.js").Row} Row */

/**
 * A customer or supplier as a list shows it; `reference` is left out where the list has no column for it.
 * @typedef {{kind: Kind, number: string, name: string, company: string, person: string, email: string, phones: string[],
 *   address: string, town: string, postcode: string, account_number: string, reference?: string}} ListedRecord
 */

const CRM = "commusoft";
const MAX_LINKS = 5000; // that `readList` reads of a page: one with so many may have more
const TAB = "[A-Za-z][A-Za-z_-]{0,63}";
const PHONE = /\+?[0-9][0-9 ().-]{7,40}/g;
const EMAIL = /[^\s,;<>]{1,64}@[^\s,;<>]{1,255}/;

/** @param {Packages} packages */
export const crmRule = (packages) => packages.crms?.[CRM] ?? null;

/**
 * Whether an address is of the workspace's Commusoft: numbers mean others on another host.
 * @param {string | null} address
 * @param {Packages} packages
 * @param {Pick<import("../types.js").Workspace, "commusoft_origin" | "commusoft_hosts">} workspace
 */
export function isOwnCrm(address, packages, workspace) {
  const rule = crmRule(packages);
  if (!rule || !address || !URL.canParse(address)) return false;
  const { protocol, host } = new URL(address);
  return protocol === schemeOf(rule) && ownHosts(workspace).includes(host);
}

/** Plain http is the sandbox's alone: the server's rules say so for a workspace in practice. @param {{scheme?: string}} rule */
const schemeOf = ({ scheme = "https" }) => `${scheme}:`;

/**
 * The hosts on which the workspace's records have their pages.
 * @param {Pick<import("../types.js").Workspace, "commusoft_origin" | "commusoft_hosts">} workspace
 * @returns {string[]}
 */
export function ownHosts({ commusoft_origin: origin, commusoft_hosts: hosts }) {
  if (hosts) return hosts;
  return origin && URL.canParse(origin) ? [new URL(origin).host] : [];
}

/**
 * @param {Packages} packages
 * @returns {TableRules | null} null where the rules know nothing of such a table
 */
export function tableRules(packages) {
  const rule = crmRule(packages);
  const table = rule?.table;
  if (!table) return null;
  const { reference, number = [], name, address } = table.columns;
  const words = { reference, id: number, name, address, save: table.save_words };
  /** @type {TableRules["links"]} */
  const links = rule.pages.map((/** @type {any} */ page) => ({ kind: page.kind, path: patternOf(page.path, rule.record.pattern) }));
  return { words, links };
}

/** @param {string} path of a rule @param {string} number the form of a record's */
function patternOf(path, number) {
  const parts = path.split("/").map((part) => {
    if (part === "{record}") return `(${number})`;
    return part === "{tab}" ? TAB : part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  });
  return `^${parts.join("/")}/?$`;
}

/**
 * The customers or suppliers that a list shows, each once: of its tables, or else of its links.
 * @param {ReadTable[]} tables
 * @param {unknown} links what `readList` returned
 * @param {Packages} packages
 * @returns {{kind: Kind, records: ListedRecord[]} | null} null where it is no such list, or not of one kind
 */
export function recordsOn(tables, links, packages) {
  const found = tables.flatMap((table) => ofTable(table, packages));
  const all = found.length > 0 ? found : ofLinks(links, packages);
  const [kind, other] = new Set(all.map((one) => one.kind));
  if (!kind || other) return null;
  /** @type {Map<string, ListedRecord>} */
  const records = new Map();
  for (const one of all) if (!records.has(one.number)) records.set(one.number, one);
  return { kind, records: [...records.values()] };
}

/**
 * @param {ReadTable} table
 * @param {Packages} packages
 * @returns {ListedRecord[]}
 */
function ofTable({ headings, rows }, packages) {
  const columns = columnsOf(headings, packages);
  if (!columns) return [];
  return rows.flatMap(({ cells, hrefs }) => {
    const records = hrefs.map((href) => locate(href, packages)).filter(({ page }) => page === "record");
    const numbers = new Set(records.map((one) => `${one.kind}-${one.record}`));
    const [first] = records;
    // A row that leads to two of them is not a list's.
    if (numbers.size !== 1 || !first?.kind || !first.record) return [];
    const record = recordOf(cells, columns, first.kind, first.record);
    return record.name || record.company || record.person ? [record] : [];
  });
}

/** @typedef {Record<"name" | "company" | "person" | "email" | "phones" | "address" | "town" | "postcode" | "account_number" | "reference", number[]>} Columns */

/**
 * @param {string[]} headings
 * @param {Packages} packages
 * @returns {Columns | null} null without a name
 */
function columnsOf(headings, packages) {
  const folded = headings.map(fold);
  const known = packages.any_table ?? {};
  const own = crmRule(packages)?.table?.columns;
  /** @param {string[]} words */
  const at = (words = []) => {
    const wanted = words.map(fold);
    return folded.flatMap((text, place) => (wanted.includes(text) ? [place] : []));
  };
  const columns = {
    name: at([...(own?.name ?? []), ...(known.name ?? [])]), company: at(known.company), person: at(known.person), email: at(known.email),
    phones: at([...(known.phones ?? []), "Landline"]), address: at(known.address), town: at(known.town), postcode: at(known.postcode),
    account_number: at(["Account number"]), reference: at(own?.reference),
  };
  return columns.name.length + columns.company.length + columns.person.length > 0 ? columns : null;
}

/**
 * @param {string[]} cells
 * @param {Columns} columns
 * @param {Kind} kind
 * @param {string} number
 * @returns {ListedRecord}
 */
function recordOf(cells, columns, kind, number) {
  /** @param {keyof Columns} column @param {number} longest */
  const text = (column, longest) => (columns[column].map((place) => cells[place] ?? "").find(Boolean) ?? "").slice(0, longest);
  const [reference, another] = columns.reference;
  return {
    kind, number,
    name: text("name", 300), company: text("company", 300), person: text("person", 300),
    email: EMAIL.exec(text("email", 320))?.[0] ?? "",
    phones: columns.phones.flatMap((place) => (cells[place] ?? "").match(PHONE) ?? []).slice(0, 10),
    address: columns.address.map((place) => cells[place] ?? "").filter(Boolean).join(", ").slice(0, 500),
    town: text("town", 200), postcode: text("postcode", 60), account_number: text("account_number", 100),
    ...(reference !== undefined && another === undefined ? { reference: (cells[reference] ?? "").slice(0, 200) } : {}),
  };
}

/**
 * @param {unknown} links
 * @param {Packages} packages
 * @returns {ListedRecord[]}
 */
function ofLinks(links, packages) {
  // What is read in part must not count as the whole list.
  if (!Array.isArray(links) || links.length >= MAX_LINKS) return [];
  return links.flatMap((link) => {
    const { href, text } = /** @type {Row} */ (link ?? {});
    const { page, kind, record } = locate(href, packages);
    const name = typeof text === "string" ? text.replace(/\s+/g, " ").trim() : "";
    if (page !== "record" || !kind || !record || NO_NAME.test(name)) return [];
    return [{
      kind, number: record, name: name.slice(0, 300), company: "", person: "", email: "", phones: [], address: "", town: "",
      postcode: "", account_number: "",
    }];
  });
}

/** What a link to a page is called when it is not called by a name. */
const NO_NAME = /^(?:view|edit|open|show|details?|more|select|jobs?|work|assets?|contracts?|[^\p{L}]*)$/iu;

/** @param {string} text */
function fold(text) {
  return text.normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();
}
