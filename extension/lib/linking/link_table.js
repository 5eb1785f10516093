// @ts-check
// A reviewed list on its way into Commusoft's table: which list goes into which tab, and what its page may say.

import { isOwnCrm, recordsOn, tableRules } from "../page/crm_tables.js";
import { problem } from "../server/problem.js";
import { createRecordLists } from "./record_lists.js";

/** @typedef {import("../page/rule_types.js").Packages} Packages */
/** @typedef {import("../server/api.js").Api} Api */
/** @typedef {import("../types.js").Kind} Kind */
/** @typedef {import("../types.js").Workspace} Workspace */
/** @typedef {import("../commusoft/table/types.js").Wanted} Wanted */
/** @typedef {import("../commusoft/table/types.js").TableRules} TableRules */
/** @typedef {import("../commusoft/table/types.js").Begun} Begun */

/**
 * @template T
 * @typedef {import("../types.js").Answer<T>} Answer
 */

/** @typedef {{count: number, kind: Kind | null, tables: import("../commusoft/table/types.js").ReadTable[]}} ShownTables */

/**
 * What is needed of the browser's tabs.
 * @typedef {object} TableTabs
 * @property {(tab: number, rules: TableRules) => Promise<ShownTables | null>} readTables null where the page may not be read
 * @property {(tab: number) => Promise<boolean>} open our panel there; false where we may not
 * @property {(tab: number) => Promise<boolean>} compare a record's form with Sage's details, likewise
 * @property {() => Promise<string[]>} addresses of the open tabs that we may see
 */

/** @typedef {{id: string, name: string, rows: number}} WaitingList */
/**
 * Lists that wait, over the table, or with `page` "crm" over another page of Commusoft. `named`: the one whose page is
 * open in crmlink; null where that is none of them, or several.
 * @typedef {{page: "table", kind: Kind | null, several: boolean, lists: WaitingList[], named: string | null}} AtTable
 * @typedef {{page: "crm", lists: WaitingList[], named: string | null}} AtCrm
 */
/** @typedef {{page: "records", kind: Kind, records: import("../page/crm_tables.js").ListedRecord[]}} AtRecords */

/**
 * @typedef {object} Run
 * @property {number} tab
 * @property {string} batch
 * @property {string} list what it is called
 * @property {string} connection_id
 * @property {number | null} page that was filled; another one was loaded since
 * @property {string[]} filled ids of the list's rows that were filled on any page
 * @property {boolean} reload whether the person asked to load the page anew and to read it
 * @property {Record<string, number>} [versions] by the list's row: what the server knows of its record
 */

/** @typedef {{api: Api, server: string, workspace: Workspace, packages: Packages, rules: TableRules}} At */

const KEY = "table_run";
const MAX_LISTS = 5;
const MAX_POLLS = 4;
const PAUSE_MS = 500; // milliseconds

/**
 * @param {object} parts
 * @param {import("../server/session.js").Store} parts.memory
 * @param {() => string} parts.newKey
 * @param {() => number} parts.now milliseconds
 * @param {Pick<import("../page/target.js").Tabs, "address" | "readList" | "wait">} parts.tabs
 * @param {TableTabs} parts.tableTabs
 * @param {import("../server/rule_cache.js").Rules} parts.rules
 * @param {import("./page_button.js").OnPage} parts.onPage
 * @param {<T>(work: (api: Api, connection: import("../server/session.js").SessionState) => Promise<Answer<T>>) => Promise<Answer<T>>} parts.connected
 * @param {(connection: import("../server/session.js").SessionState, api: Api) => Promise<Answer<Workspace>>} parts.askWorkspace
 */
export function createLinkTable({ memory, newKey: newId, now, tabs, tableTabs, rules, onPage, connected, askWorkspace }) {
  /** @returns {Promise<Run | null>} */
  async function current() {
    return (await memory.get(KEY))[KEY] ?? null;
  }

  /** @param {Run} run */
  const keep = (run) => memory.set({ [KEY]: run });

  /**
   * What a tab of the workspace's own Commusoft may be asked.
   * @template T
   * @param {number} tab
   * @param {(at: At) => Promise<Answer<T>>} work
   * @returns {Promise<Answer<T>>}
   */
  function atCrm(tab, work) {
    return connected(async (api, connection) => {
      const [{ packages }, workspace] = await Promise.all([rules.get(connection.server, api), askWorkspace(connection, api)]);
      if (!workspace.ok) return workspace;
      const known = packages && tableRules(packages);
      if (!known || !isOwnCrm(await tabs.address(tab), packages, workspace.data)) return { ok: false, problem: problem("tab-moved") };
      return work({ api, server: connection.server, workspace: workspace.data, packages, rules: known });
    });
  }

  /**
   * For our script in a page: only where its tab is the one that the person began in.
   * @template T
   * @param {number} tab
   * @param {(run: Run, at: At) => Promise<Answer<T>>} work
   * @returns {Promise<Answer<T>>}
   */
  function inRun(tab, work) {
    return atCrm(tab, async (at) => {
      const run = await current();
      const mine = run !== null && run.tab === tab && run.connection_id === at.workspace.connection_id;
      return mine ? work(run, at) : { ok: false, problem: problem("tab-moved") };
    });
  }

  /**
   * @param {number} tab
   * @param {At} at
   * @returns {Promise<AtTable | AtCrm | import("./record_lists.js").RecordsView | null>}
   */
  async function placeOf(tab, at) {
    const address = await tabs.address(tab);
    // Such a page fetches its rows once it is shown.
    for (let turn = 0; turn < MAX_POLLS; turn += 1) {
      if (turn > 0) await tabs.wait(PAUSE_MS);
      const shown = await tableTabs.readTables(tab, at.rules);
      if (!shown || (await tabs.address(tab)) !== address) return null;
      if (shown.count > 0) return { page: "table", kind: shown.kind, several: shown.count > 1, ...(await waiting(at)) };
      const found = recordsOn(shown.tables, await tabs.readList(tab), at.packages);
      if (found) return records.keepRecords({ page: "records", ...found }, tab, at.workspace.connection_id ?? "");
    }
    const left = await waiting(at);
    return left.lists.length > 0 ? { page: "crm", ...left } : null;
  }

  /** @param {At} at @returns {Promise<{lists: WaitingList[], named: string | null}>} */
  async function waiting({ api, server }) {
    const addresses = await tableTabs.addresses();
    const open = new Set(addresses.map((one) => listAt(one, server)));
    const answers = await Promise.all([api.listsIn("filling"), api.listsIn("reverting")]);
    /** @type {import("../types.js").Draft[]} */
    const all = answers.flatMap((answer) => (answer.ok ? answer.data.batches : []));
    const [named, another] = all.filter(({ id }) => open.has(id));
    const first = all.toSorted((one, other) => Number(open.has(other.id)) - Number(open.has(one.id))).slice(0, MAX_LISTS);
    return { lists: await Promise.all(first.map((one) => counted(api, one))), named: named && !another ? named.id : null };
  }

  const records = createRecordLists({
    memory, newId, now,
    connected: (work) => connected(work),
    async readAgain(tab) {
      const answer = await atCrm(tab, async ({ rules: known, packages }) => {
        const shown = await tableTabs.readTables(tab, known);
        return { ok: true, data: shown && shown.count === 0 ? recordsOn(shown.tables, await tabs.readList(tab), packages) : null };
      });
      return answer.ok && answer.data ? { page: "records", ...answer.data } : null;
    },
  });

  return {
    popup: {
      records_send: records.records_send,
      records_complete: records.records_complete,

      /**
       * The table or list that a tab shows; null where it shows neither, or is not of Commusoft.
       * @param {{tab: number}} asked
       * @returns {Promise<Answer<AtTable | AtCrm | import("./record_lists.js").RecordsView | null>>}
       */
      async crm_page({ tab }) {
        const answer = await atCrm(tab, async (at) => ({ ok: true, data: await placeOf(tab, at) }));
        return answer.ok || answer.problem.type !== "tab-moved" ? answer : { ok: true, data: null };
      },

      /** @param {{tab: number, batch: string, list: string}} asked */
      table_start: ({ tab, batch, list }) =>
        atCrm(tab, async ({ workspace, api }) => {
          // A person who may not do this learns it here, not in the page.
          const allowed = await api.tableRows(batch, 0);
          if (!allowed.ok) return allowed;
          const before = await current();
          const page = before?.tab === tab ? before.page : null;
          const filled = before?.tab === tab && before.batch === batch ? before.filled : [];
          await keep({ tab, batch, list, connection_id: workspace.connection_id ?? "", reload: false, page, filled });
          return (await tableTabs.open(tab)) ? { ok: true, data: null } : { ok: false, problem: problem("tab-moved") };
        }),
    },

    page: {
      /**
       * @param {number} tab
       * @param {{page: number}} asked
       * @returns {Promise<Answer<Begun>>}
       */
      table_begin: (tab, { page }) =>
        inRun(tab, async (run, at) => {
          const rows = await rowsOf(at.api, run.batch);
          if (!rows.ok) return rows;
          await keep({ ...run, versions: Object.fromEntries(rows.data.filter((row) => row.record_version !== undefined).map((row) => [row.link_id, row.record_version])) });
          return { ok: true, data: { list: run.list, rows: rows.data.map(wantedOf), rules: at.rules, filled_here: run.page === page } };
        }),

      /**
       * What rows of the table show; which of them may be filled.
       * @param {number} tab
       * @param {{page: number, rows: {id: string, value: string, replaces: boolean}[]}} asked
       * @returns {Promise<Answer<{fill: string[]}>>}
       */
      table_seen: (tab, { page, rows }) =>
        inRun(tab, async (run, { api }) => {
          // A page that we filled shows what we filled, saved or not.
          if (run.page === page && !rows.every((one) => one.replaces)) return { ok: false, problem: problem("unexpected") };
          const filled = new Set(run.filled);
          const after = await observe(api, run, "after", rows.filter((one) => filled.has(one.id) && !one.replaces));
          if (!after.ok) return after;
          // What was filled and not saved is as it was before.
          const settled = new Set(after.data.filter((one) => one.state !== "intended").map((one) => one.link_id));
          const before = await observe(api, run, "before", rows.filter((one) => !settled.has(one.id)));
          if (!before.ok) return before;
          const now = await current();
          if (now) await keep({ ...now, versions: run.versions });
          void onPage.refresh();
          return { ok: true, data: { fill: before.data.filter((one) => one.fill).map((one) => one.link_id) } };
        }),

      /** @param {number} tab @param {{page: number, rows: string[]}} asked rows: those that are filled now */
      table_filling: (tab, { page, rows }) =>
        inRun(tab, async (run) => {
          await keep({ ...run, page, filled: [...new Set([...run.filled, ...rows])] });
          return { ok: true, data: null };
        }),

      /** @param {number} tab */
      table_reload: (tab) =>
        inRun(tab, async (run) => {
          await keep({ ...run, reload: true });
          return { ok: true, data: null };
        }),
    },

    /** A tab has loaded a page. @param {number} tab */
    async loaded(tab) {
      const run = await current();
      if (run?.tab !== tab || !run.reload) return;
      await keep({ ...run, reload: false });
      await tableTabs.open(tab);
    },
  };
}

/**
 * The list whose page of crmlink an address is of; null for any other.
 * @param {string} address
 * @param {string} server
 */
function listAt(address, server) {
  const start = `${server}/lists/`;
  return address.startsWith(start) ? (address.slice(start.length).split(/[/?#]/)[0] ?? null) : null;
}

/** @param {Api} api @param {import("../types.js").Draft} list @returns {Promise<WaitingList>} */
async function counted(api, { id, name, contacts }) {
  const answer = await api.listCounts(id);
  const rows = answer.ok ? Number(answer.data.counts.states.filling ?? 0) : contacts;
  return { id, name: name || id, rows };
}

/**
 * Every row of a list that waits, as the server has it.
 * @param {Api} api
 * @param {string} batch
 * @returns {Promise<Answer<any[]>>}
 */
async function rowsOf(api, batch) {
  /** @type {any[]} */
  const rows = [];
  for (let after = 0; ; ) {
    const answer = await api.tableRows(batch, after);
    if (!answer.ok) return answer;
    rows.push(...answer.data.rows);
    if (answer.data.next === null) return { ok: true, data: rows };
    after = answer.data.next;
  }
}

/**
 * Tell what rows show, and note in the run what the server knows now.
 * @param {Api} api
 * @param {Run} run
 * @param {"before" | "after"} stage
 * @param {{id: string, value: string, replaces: boolean}[]} rows
 * @returns {Promise<Answer<{link_id: string, state: string | null, fill: boolean}[]>>}
 */
async function observe(api, run, stage, rows) {
  if (rows.length === 0) return { ok: true, data: [] };
  const seen = rows.map(({ id, value, replaces }) => ({ link_id: id, value: value || null, replaces: replaces ? value : null, ...versionOf(run, id) }));
  const answer = await api.tableSeen(run.batch, { connection_id: run.connection_id, stage, rows: seen });
  if (!answer.ok) return answer;
  for (const { link_id, record_version } of answer.data.rows) {
    if (run.versions && typeof record_version === "number") run.versions[link_id] = record_version;
  }
  return { ok: true, data: answer.data.rows };
}

/** @param {Run} run @param {string} id */
function versionOf(run, id) {
  const record_version = run.versions?.[id];
  return record_version === undefined ? {} : { record_version };
}

/** @param {any} row as the server has it @returns {Wanted} */
function wantedOf({ link_id, record, number, alone, prior, target }) {
  const { kind, label, company, name, address, town, postcode } = record;
  const names = [...new Set([label, company, name])].filter(Boolean);
  return { id: link_id, kind, number, names, address, town, postcode, alone, prior: prior ?? "", target: target ?? "" };
}
