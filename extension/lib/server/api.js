// @ts-check
// The server's JSON API as calls that never throw: each returns data or a problem. The token is asked for anew with
// each call, and once more when the server refuses it.

import { KEY_LOST } from "./problem.js";
import { validated } from "./request.js";
import { isDrafts, isRecordImport, isListCounts, isTableRows, isTableSeen, isSearchResult, isLink, isLinks, isParked, isRecordContacts, isRecordResult, isSuggestionResult, isAppendResult, isWorkspace } from "./validate.js";

/** @typedef {import("../types.js").Kind} Kind */
/** @typedef {import("./request.js").Options} Options */
/** @typedef {import("./request.js").Reply} Reply */

/** How many records a search brings. */
export const MAX_SEARCH_RESULTS = 20;

/** @typedef {ReturnType<typeof createApi>} Api */

/**
 * @param {import("./session.js").SessionState} connection
 * @param {{call: import("./request.js").Call, access: import("./session.js").SessionStore["access"]}} wiring
 */
export function createApi(connection, { call, access }) {
  /**
   * @param {string} method
   * @param {string} path
   * @param {Options} [options]
   * @returns {Promise<Reply>}
   */
  async function ask(method, path, options) {
    const first = await access(connection);
    if (!first.ok) return first;
    const answer = await call(connection.server, method, path, { ...options, token: first.data });
    if (answer.ok || (answer.problem.status !== 401 && answer.problem.type !== KEY_LOST)) return answer;
    // What was refused was not done: the same request, under the same key, with another token. Without this browser's
    // key there is none, which ends the connection.
    const second = await access(connection, first.data);
    return second.ok ? call(connection.server, method, path, { ...options, token: second.data }) : second;
  }

  return {
    /** @param {string | null} etag */
    packages: (etag) => ask("GET", "/packages", { etag }),
    workspace: async () => validated(isWorkspace, await ask("GET", "/workspace")),
    /** @param {object} contact */
    suggest: async (contact) => validated(isSuggestionResult, await ask("POST", "/suggestions", { json: contact })),
    /** @param {string} q @param {Kind | null} kind */
    search: async (q, kind) => validated(isSearchResult, await ask("GET", `/records?${query({ q, kind, limit: String(MAX_SEARCH_RESULTS) })}`)),
    /** @param {object} json @param {string} key */
    link: async (json, key) => validated(isLink, await ask("POST", "/links", { json, key })),
    /** @param {string} id */
    readLink: async (id) => validated(isLink, await ask("GET", `/links/${encodeURIComponent(id)}`)),
    /** @param {string} id @param {object} json @param {string} key */
    undo: async (id, json, key) => validated(isLink, await ask("POST", `/links/${encodeURIComponent(id)}/undo`, { json, key })),
    /** Decisions that wait for a record's page. @param {string} record */
    openLinks: async (record) => validated(isLinks, await ask("GET", `/links?${query({ state: "intended", method: "pages", record_id: record })}`)),
    /** What a record's page shows. @param {string} id @param {object} json */
    observe: async (id, json) => validated(isLink, await ask("POST", `/links/${encodeURIComponent(id)}/observations`, { json })),
    /** @param {string} id @param {object} json */
    withdraw: async (id, json) => validated(isLink, await ask("POST", `/links/${encodeURIComponent(id)}/withdraw`, { json })),
    /** @param {string} id */
    record: async (id) => validated(isRecordResult, await ask("GET", `/records/${encodeURIComponent(id)}`)),
    /** @param {string} id */
    recordContacts: async (id) => validated(isRecordContacts, await ask("GET", `/records/${encodeURIComponent(id)}/contacts`)),
    /** @param {Kind} kind @param {object} json */
    showField: (kind, json) => ask("PUT", `/workspace/record-fields/${kind}`, { json }),
    /** @param {object} json a contact without a record */
    park: async (json) => validated(isParked, await ask("POST", "/parked", { json })),
    /** @param {string} id */
    unpark: (id) => ask("DELETE", `/parked/${encodeURIComponent(id)}`),
    /** @param {object} json a list page's contacts */
    collect: async (json) => validated(isAppendResult, await ask("POST", "/batches", { json })),
    /** Lists whose references wait for Commusoft's pages. @param {"filling" | "reverting"} state */
    listsIn: async (state) => validated(isDrafts, await ask("GET", `/batches?${query({ state })}`)),
    /** @param {string} batch */
    listCounts: async (batch) => validated(isListCounts, await ask("GET", `/batches/${encodeURIComponent(batch)}`)),
    /** Rows of a list that wait for Commusoft's pages. @param {string} batch @param {number} after */
    tableRows: async (batch, after) => validated(isTableRows, await ask("GET", `/batches/${encodeURIComponent(batch)}/table?${query({ after: String(after) })}`)),
    /** What rows of the table show. @param {string} batch @param {object} json */
    tableSeen: async (batch, json) => validated(isTableSeen, await ask("POST", `/batches/${encodeURIComponent(batch)}/table/observations`, { json })),
    /** A page of one of Commusoft's lists. @param {object} json */
    importRecords: async (json) => validated(isRecordImport, await ask("POST", "/records/import", { json })),
    drafts: async () => validated(isDrafts, await ask("GET", "/batches")),
    /** End this browser's connection on the server. */
    leave: () => ask("DELETE", "/devices/me"),
  };
}

/** @param {Record<string, string | null>} fields */
function query(fields) {
  const given = Object.entries(fields).filter(([, value]) => value !== null);
  return new URLSearchParams(/** @type {[string, string][]} */ (given)).toString();
}
