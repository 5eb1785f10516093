// @ts-check
// Which records a contact may be: suggestions, and a search by words.

import { withOverrides } from "../page/contact.js";
import { problem } from "../server/problem.js";

/** @typedef {import("../types.js").Kind} Kind */
/** @typedef {import("../types.js").ContactSnapshot} ContactSnapshot */
/** @typedef {import("../types.js").Problem} Problem */
/** @typedef {import("../types.js").Suggestion} Suggestion */
/** @typedef {import("../types.js").SuggestionAnswer} SuggestionAnswer */

/**
 * @template T
 * @typedef {import("../types.js").Answer<T>} Answer
 */

/** @typedef {{typed: {name: string, postcode: string} | null}} Typed */

/**
 * @param {import("./snapshots.js").Snapshots} snapshots
 * @param {(work: (api: import("../server/api.js").Api) => Promise<Answer<any>>) => Promise<Answer<any>>} connected
 */
export function createSuggestions(snapshots, connected) {
  return {
    /**
     * Suggestions of one kind. Where the page does not tell the kind and no one has chosen, the likelier one's.
     * @param {{snapshot: string, kind: Kind | null} & Typed} asked
     * @returns {Promise<Answer<SuggestionAnswer & {kind: Kind}>>}
     */
    async suggest(asked) {
      const snapshot = await snapshots.find(asked.snapshot);
      if (!snapshot) return { ok: false, problem: problem("snapshot-lost") };
      const details = withOverrides(snapshot.details, asked.typed);
      const { package: name, reference, organisation } = snapshot.contact;
      const kind = snapshot.contact.kind ?? asked.kind;
      return connected(async (api) => {
        /** @param {Kind | null} of */
        const ask = (of) => api.suggest({ package: name, reference, organisation, kind: of, ...details });
        const first = sameConnection(await ask(kind), snapshot);
        if (!first.ok || kind) return withKind(first, kind);
        const likely = first.data.likely_kind ?? "customer";
        const mixed = first.data.suggestions.some((/** @type {Suggestion} */ one) => one.record.kind !== likely);
        return withKind(mixed ? sameConnection(await ask(likely), snapshot) : first, likely);
      });
    },

    /**
     * What matches, of one kind; where nothing of it does, what matches of the other.
     * @param {{snapshot: string, q: string, kind: Kind}} asked
     * @returns {Promise<Answer<import("../types.js").Found>>}
     */
    async search({ snapshot: id, q, kind }) {
      const snapshot = await snapshots.find(id);
      if (!snapshot) return { ok: false, problem: problem("snapshot-lost") };
      return connected(async (api) => {
        const answer = sameConnection(await api.search(q, kind), snapshot);
        if (!answer.ok || answer.data.records.length > 0) return withOthers(answer, []);
        const other = sameConnection(await api.search(q, kind === "customer" ? "supplier" : "customer"), snapshot);
        return withOthers(answer, other.ok ? other.data.records : []);
      });
    },
  };
}

/** @returns {{ok: false, problem: Problem}} */
export function otherConnection() {
  return { ok: false, problem: problem("other-connection") };
}

/**
 * The answer, unless its records are of another Commusoft than the one that was looked at: record ids are numbers,
 * which mean another record there.
 * @template {{connection_id?: string}} T
 * @param {Answer<T>} answer
 * @param {ContactSnapshot} snapshot
 * @returns {Answer<T>}
 */
function sameConnection(answer, snapshot) {
  if (!answer.ok || !snapshot.connection_id || answer.data.connection_id === snapshot.connection_id) return answer;
  return otherConnection();
}

/**
 * @param {Answer<{records: import("../types.js").CrmRecord[]}>} answer
 * @param {import("../types.js").CrmRecord[]} others
 * @returns {Answer<import("../types.js").Found>}
 */
function withOthers(answer, others) {
  return answer.ok ? { ok: true, data: { records: answer.data.records, others } } : answer;
}

/**
 * @param {Answer<SuggestionAnswer>} answer
 * @param {Kind | null} kind
 * @returns {Answer<SuggestionAnswer & {kind: Kind}>}
 */
function withKind(answer, kind) {
  return answer.ok ? { ok: true, data: { ...answer.data, kind: kind ?? "customer" } } : answer;
}
