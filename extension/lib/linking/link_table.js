// @ts-check
// A reviewed list on its way into Commusoft's table: which list goes into which tab, and what its page may say.

import { isOwnCrm, recordsOn, tableRules } from "../page/crm_tables.js";
import { problem } from "../server/problem.js";

/** @typedef {import("../server/api.js").Api} Api */
/** @typedef {import("../types.js").Kind} Kind */
/** @typedef {import("../types.js").Workspace} Workspace */
/** @typedef {import("../commusoft/table_types.js").Wanted} Wanted */
/** @typedef {import("../commusoft/table_types.js").TableRules} TableRules */
/** @typedef {import("../commusoft/table_types.js").Begun} Begun */

/**
 * @template T
 * @typedef {import("../types.js").Answer<T>} Answer
 */

/** @typedef {{count: number, kind: Kind | null, tables: import("../commusoft/table_types.js").ReadTable[]}} TableLook */

/**
 * What is needed of the browser's tabs.
 * @typedef {object} TableTabs
 * @property {(tab: number, rules: TableRules) => Promise<TableLook | null>} look null where the page may not be read
 * @property {(tab: number) => Promise<boolean>} open our panel there; false where we may not
 */

/** @typedef {{id: string, name: string, rows: number}} WaitingList */
/** @typedef {{page: "table", kind: Kind | null, several: boolean, lists: WaitingList[]}} AtTable */
/** @typedef {{page: "records", kind: Kind, records: import("../page/crm_tables.js").ListedRecord[]}} AtRecords */

/**
 * @typedef {object} Run
 * @property {number} tab
 * @property {string} batch
 * @property {string} list what it is called
 * @property {string} connection_id
 * @property {number | null} page that was filled; another one was loaded since
 * @property {boolean} filled whether any page was
 * @property {boolean} reload whether the person asked to load the page anew and to read it
 */

const KEY = "table_run";

/**
 * @param {object} parts
 * @param {import("../server/session.js").Store} parts.memory
 * @param {Pick<import("../page/target.js").Tabs, "address" | "readList">} parts.tabs
 * @param {TableTabs} parts.tableTabs
 * @param {import("../server/rule_cache.js").Rules} parts.rules
 * @param {import("./page_button.js").OnPage} parts.onPage
 * @param {<T>(work: (api: Api, connection: import("../server/session.js").SessionState) => Promise<Answer<T>>) => Promise<Answer<T>>} parts.connected
 * @param {(connection: import("../server/session.js").SessionState, api: Api) => Promise<Answer<Workspace>>} parts.askWorkspace
 */
export function createLinkTable({ memory, tabs, tableTabs, rules, onPage, connected, askWorkspace }) {
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
   * @param {(at: {api: Api, workspace: Workspace, packages: any, rules: TableRules}) => Promise<Answer<T>>} work
   * @returns {Promise<Answer<T>>}
   */
  function atCrm(tab, work) {
    return connected(async (api, connection) => {
      const [{ packages }, told] = await Promise.all([rules.get(connection.server, api), askWorkspace(connection, api)]);
      if (!told.ok) return told;
      const known = tableRules(packages);
      if (!known || !isOwnCrm(await tabs.address(tab), packages, told.data)) return { ok: false, problem: problem("tab-moved") };
      return work({ api, workspace: told.data, packages, rules: known });
    });
  }

  /**
   * For our script in a page: only where its tab is the one that the person began in.
   * @template T
   * @param {number} tab
   * @param {(run: Run, at: {api: Api, workspace: Workspace, packages: any, rules: TableRules}) => Promise<Answer<T>>} work
   * @returns {Promise<Answer<T>>}
   */
  function inRun(tab, work) {
    return atCrm(tab, async (at) => {
      const run = await current();
      const mine = run !== null && run.tab === tab && run.connection_id === at.workspace.connection_id;
      return mine ? work(run, at) : { ok: false, problem: problem("tab-moved") };
    });
  }

  return {
    /**
     * The table or list that a page of Commusoft shows; null where it shows neither.
     * @param {number} tab
     * @param {any} packages
     * @param {Workspace} workspace
     * @param {Api} api
     * @returns {Promise<AtTable | AtRecords | null>}
     */
    async placeOf(tab, packages, workspace, api) {
      const address = await tabs.address(tab);
      const known = tableRules(packages);
      if (!known || address === null || !isOwnCrm(address, packages, workspace)) return null;
      const look = await tableTabs.look(tab, known);
      if (!look || (await tabs.address(tab)) !== address) return null;
      if (look.count > 0) return { page: "table", kind: look.kind, several: look.count > 1, lists: await waiting(api) };
      const found = recordsOn(look.tables, await tabs.readList(tab), address, packages);
      return found && { page: "records", ...found };
    },

    /** @param {{tab: number, batch: string, list: string}} asked */
    table_start: ({ tab, batch, list }) =>
      atCrm(tab, async ({ workspace }) => {
        const before = await current();
        const same = before?.tab === tab && before.batch === batch;
        const page = same ? { page: before.page, filled: before.filled } : { page: null, filled: false };
        await keep({ tab, batch, list, connection_id: workspace.connection_id ?? "", reload: false, ...page });
        return (await tableTabs.open(tab)) ? { ok: true, data: null } : { ok: false, problem: problem("tab-moved") };
      }),

    /**
     * @param {number} tab
     * @param {{page: number}} asked
     * @returns {Promise<Answer<Begun>>}
     */
    table_begin: (tab, { page }) =>
      inRun(tab, async (run, at) => {
        const answer = await at.api.tableRows(run.batch);
        if (!answer.ok) return answer;
        const { rows } = answer.data;
        return { ok: true, data: { list: run.list, rows: rows.map(wantedOf), rules: at.rules, filled_here: run.page === page } };
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
        const stage = run.filled && run.page !== page ? "after" : "before";
        const seen = rows.map(({ id, value, replaces }) => ({ row_id: id, value: value || null, ...(replaces ? { replaces: value } : {}) }));
        const answer = await api.tableSeen(run.batch, { connection_id: run.connection_id, stage, rows: seen });
        if (!answer.ok) return answer;
        void onPage.refresh();
        return { ok: true, data: { fill: answer.data.rows.filter((/** @type {any} */ one) => one.fill).map((/** @type {any} */ one) => one.row_id) } };
      }),

    /** @param {number} tab @param {{page: number}} asked */
    table_filling: (tab, { page }) =>
      inRun(tab, async (run) => {
        await keep({ ...run, page, filled: true });
        return { ok: true, data: null };
      }),

    /** @param {number} tab */
    table_reload: (tab) =>
      inRun(tab, async (run) => {
        await keep({ ...run, reload: true });
        return { ok: true, data: null };
      }),

    /** A tab has loaded a page. @param {number} tab */
    async loaded(tab) {
      const run = await current();
      if (run?.tab !== tab || !run.reload) return;
      await keep({ ...run, reload: false });
      await tableTabs.open(tab);
    },
  };
}

/** @param {Api} api @returns {Promise<WaitingList[]>} */
async function waiting(api) {
  const answer = await api.tableLists();
  return answer.ok ? answer.data.batches : [];
}

/** @param {any} row as the server has it @returns {Wanted} */
function wantedOf(row) {
  return {
    id: row.row_id, kind: row.kind, number: row.number, names: [...new Set([row.name, row.company, row.person])].filter(Boolean),
    address: row.address, town: row.town, postcode: row.postcode, alone: row.alone === true, prior: row.prior ?? "", target: row.target ?? "",
  };
}
