// @ts-check
// Customers and suppliers from Commusoft's own lists, page by page: one import, which is complete only when the person
// says so.

import { isSame } from "./same_value.js";
import { problem } from "../server/problem.js";

/** @typedef {import("../server/api.js").Api} Api */
/** @typedef {import("../types.js").Kind} Kind */
/** @typedef {import("../page/crm_tables.js").ListedRecord} ListedRecord */
/** @typedef {import("./link_table.js").AtRecords} AtRecords */

/**
 * @template T
 * @typedef {import("../types.js").Answer<T>} Answer
 */

/** @typedef {{id: string, tab: number, kind: Kind, records: ListedRecord[], connection_id: string}} KeptRecords */
/**
 * An import under way; `numbers` are those of all its parts.
 * @typedef {{id: string, kind: Kind, connection_id: string, part: number, numbers: string[], at: number}} Import
 */
/** @typedef {{kind: Kind, count: number, pages: number}} ImportView */
/** @typedef {{page: "records", kind: Kind, count: number, names: string[], list: string, begun: ImportView | null}} RecordsView */
/** @typedef {{fresh: number, changed: number, same: number, gone: number, would_remove: number, finished: boolean, begun: ImportView}} Sent */

const KEY = "record_list";
const IMPORT = "record_import";
const REUSED = "import-key-reused";
const MAX_NAMES = 6;
const MAX_ROWS = 5_000; // that the server takes in one part
/** A person who pages through a list does it in one go. */
const JOIN_WINDOW_MS = 2 * 60 * 60 * 1000;

/** @typedef {ReturnType<typeof createRecordLists>} RecordLists */

/**
 * @param {object} parts
 * @param {import("../server/session.js").Store} parts.memory
 * @param {() => string} parts.newId
 * @param {() => number} parts.now milliseconds
 * @param {(work: (api: Api) => Promise<Answer<any>>) => Promise<Answer<any>>} parts.connected
 * @param {(tab: number) => Promise<AtRecords | null>} parts.readAgain
 */
export function createRecordLists({ memory, newId, now, connected, readAgain }) {
  /** @param {Kind} kind @param {string} connection_id @returns {Promise<Import | null>} */
  async function begun(kind, connection_id) {
    /** @type {Import | undefined} */
    const found = (await memory.get(IMPORT))[IMPORT];
    const fits = found?.kind === kind && found.connection_id === connection_id && now() - found.at < JOIN_WINDOW_MS;
    return fits && found ? found : null;
  }

  /** @param {string} id @returns {Promise<KeptRecords | null>} */
  async function kept(id) {
    /** @type {KeptRecords | undefined} */
    const found = (await memory.get(KEY))[KEY];
    return found?.id === id ? found : null;
  }

  /**
   * @param {Api} api
   * @param {Import} whole
   * @param {{rows: ListedRecord[], complete?: boolean, removes?: number | null}} part
   * @param {boolean} [retried]
   * @returns {Promise<Answer<Sent>>}
   */
  async function send(api, whole, { rows, complete = false, removes = null }, retried = false) {
    const { connection_id, id, part } = whole;
    // Kept before it is sent: where the answer is lost, the same part is sent again.
    await memory.set({ [IMPORT]: whole });
    const answer = await api.importRecords({ connection_id, import_id: id, part, parts: complete ? part : null, complete, removes, rows });
    // The part before came through, though its answer did not, and the person went on to another page.
    if (!answer.ok && answer.problem.type === REUSED && !complete && !retried) return send(api, { ...whole, part: part + 1 }, { rows }, true);
    if (!answer.ok) return answer;
    const numbers = [...new Set([...whole.numbers, ...rows.map((one) => one.number)])];
    const { data } = answer;
    const open = !complete || !data.finished;
    if (open) await memory.set({ [IMPORT]: { ...whole, part: complete ? part : part + 1, numbers, at: now() } });
    else await memory.remove(IMPORT);
    return {
      ok: true,
      data: {
        fresh: data.new, changed: data.changed, same: data.unchanged + data.older, gone: data.gone, would_remove: data.would_remove,
        finished: data.finished, begun: viewOf({ ...whole, part: complete ? part : part + 1, numbers }),
      },
    };
  }

  return {
    /**
     * @param {AtRecords} found
     * @param {number} tab
     * @param {string} connection_id
     * @returns {Promise<RecordsView>}
     */
    async keepRecords({ kind, records }, tab, connection_id) {
      const list = newId();
      await memory.set({ [KEY]: { id: list, tab, kind, records, connection_id } });
      const names = records.slice(0, MAX_NAMES).map((one) => one.company || one.name || one.person);
      const going = await begun(kind, connection_id);
      return { page: "records", kind, count: records.length, names, list, begun: going && viewOf(going) };
    },

    /**
     * The page that is shown, as the next part, or as several where it shows very many.
     * @param {{list: string, fresh: boolean}} asked fresh: a new import, whatever was begun
     * @returns {Promise<Answer<Sent>>}
     */
    records_send: ({ list, fresh }) =>
      connected(async (api) => {
        const found = await kept(list);
        if (!found) return { ok: false, problem: problem("snapshot-lost") };
        const shown = await readAgain(found.tab);
        if (!shown || !sameRecords(shown, found)) return { ok: false, problem: problem("list-changed") };
        const { kind, connection_id, records } = found;
        const going = fresh ? null : await begun(kind, connection_id);
        const whole = going ?? { id: newId(), kind, connection_id, part: 1, numbers: [], at: now() };
        let answer = await send(api, whole, { rows: records.slice(0, MAX_ROWS) });
        for (let start = MAX_ROWS; answer.ok && start < records.length; start += MAX_ROWS) {
          const next = (await begun(kind, connection_id)) ?? whole;
          answer = added(answer.data, await send(api, next, { rows: records.slice(start, start + MAX_ROWS) }));
        }
        // A page of which only the first part came through must not count as read.
        if (!answer.ok && records.length > MAX_ROWS) await memory.remove(IMPORT);
        return answer;
      }),

    /**
     * All pages were read: what none of them has is no longer in Commusoft.
     * @param {{kind: Kind, removes: number | null}} asked removes: how many the person agreed to remove
     * @returns {Promise<Answer<Sent>>}
     */
    records_complete: ({ kind, removes }) =>
      connected(async (api) => {
        /** @type {Import | undefined} */
        const whole = (await memory.get(IMPORT))[IMPORT];
        if (!whole || whole.kind !== kind) return { ok: false, problem: problem("snapshot-lost") };
        return send(api, whole, { rows: [], complete: true, removes });
      }),
  };
}

/** @param {Sent} before @param {Answer<Sent>} answer @returns {Answer<Sent>} the later part's answer, with the counts of both */
function added(before, answer) {
  if (!answer.ok) return answer;
  const { fresh, changed, same } = answer.data;
  return { ok: true, data: { ...answer.data, fresh: before.fresh + fresh, changed: before.changed + changed, same: before.same + same } };
}

/** @param {Import} whole @returns {ImportView} */
function viewOf({ kind, numbers, part }) {
  return { kind, count: numbers.length, pages: part - 1 };
}

/** @param {AtRecords} one @param {KeptRecords} other */
function sameRecords(one, other) {
  return one.kind === other.kind && isSame(one.records, other.records);
}
