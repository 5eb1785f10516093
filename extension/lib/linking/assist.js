// @ts-check
// Writing on a Commusoft page: what our script there may know and do. Which record it is about is read from the tab's
// address each time; what is decided, and how it ended, is the server's to keep.

import { createFilledFields } from "./filled_fields.js";
import { COMMUSOFT, recordAt, searchFor } from "../page/record_page.js";
import { problem } from "../server/problem.js";

/** @typedef {import("../page/rule_types.js").Packages} Packages */
/** @typedef {import("../server/api.js").Api} Api */
/** @typedef {import("../types.js").Link} Link */
/** @typedef {import("../types.js").Problem} Problem */
/** @typedef {import("../types.js").Workspace} Workspace */
/** @typedef {import("../page/record_page.js").RecordPage} RecordPage */

/**
 * @template T
 * @typedef {import("../types.js").Answer<T>} Answer
 */

/** @typedef {{address: string, place: RecordPage, packages: Packages, workspace: Workspace, api: Api}} AtRecord */
/** @typedef {Pick<Link, "id" | "state" | "reference" | "prior_reference" | "contact_name" | "by" | "created_at" | "record_version"> & {record: string, failure: string | null}} AssistLink */
/**
 * What a page's script gets about its page.
 * @typedef {{address: string, link: AssistLink, search: import("../commusoft/types.js").Search, may_show: boolean,
 *   was_filled: boolean, stays: boolean}} AssistView was_filled: in this tab, and the page has not shown since what became
 *   of it; stays: our script is there again once the page was loaded anew
 */

/**
 * What is needed of the browser's tabs with Commusoft's pages.
 * @typedef {object} RecordTabs
 * @property {(isRecord: (address: string) => boolean, url: string | null) => Promise<number | null>} show the tab that
 *   shows a record, or a new one where there is an address
 * @property {(tab: number) => Promise<boolean>} assist run our script there; false where we may not
 * @property {(tab: number, search: import("../commusoft/types.js").Search) => Promise<PageReading | null>} read
 */

/** @typedef {{state: "shown", value: string} | {state: "empty" | "unknown" | "absent"}} PageReading */

/**
 * @param {Pick<import("./commands.js").Parts, "rules" | "onPage" | "api" | "tabs" | "recordTabs" | "memory"> & {
 *   connected: <T>(work: (api: Api, connection: import("../server/session.js").SessionState) => Promise<Answer<T>>) => Promise<Answer<T>>,
 *   askWorkspace: (connection: import("../server/session.js").SessionState, api: Api) => Promise<Answer<Workspace>>}} parts
 */
export function createAssist({ rules, onPage, tabs, recordTabs, memory, connected, askWorkspace }) {
  const filledFields = createFilledFields(memory);

  /**
   * What a tab shows now, for work that needs a record's page.
   * @template T
   * @param {number} tab
   * @param {(at: AtRecord) => Promise<Answer<T>>} work
   * @returns {Promise<Answer<T>>}
   */
  function atRecord(tab, work) {
    return connected(async (api, connection) => {
      const [{ packages }, workspace] = await Promise.all([rules.get(connection.server, api), askWorkspace(connection, api)]);
      if (!workspace.ok) return workspace;
      const address = await tabs.address(tab);
      const place = packages && recordAt(address, packages, workspace.data);
      if (!place || address === null) return { ok: false, problem: problem("tab-moved") };
      return work({ address, place, packages, workspace: workspace.data, api });
    });
  }

  /**
   * @param {AtRecord} at
   * @param {Link} link
   * @param {number} tab
   * @returns {Promise<AssistView>}
   */
  async function viewOf({ address, place, packages, workspace }, link, tab) {
    const may_show = workspace.person?.role === "admin";
    const was_filled = await filledFields.has({ link: link.id, tab });
    const stays = await onPage.isOn(COMMUSOFT);
    return { address, link: forPage(link), search: searchFor(place, link.record, packages, workspace), may_show, was_filled, stays };
  }

  /**
   * The link that a message names, if it waits on this tab's page.
   * @template T
   * @param {number} tab
   * @param {string} id
   * @param {(at: AtRecord, link: Link) => Promise<Answer<T>>} work
   */
  function withLink(tab, id, work) {
    return atRecord(tab, async (at) => {
      const found = await at.api.readLink(id);
      if (!found.ok) return found;
      if (found.data.record.id !== at.place.id || found.data.method !== "pages") return { ok: false, problem: problem("tab-moved") };
      return work(at, found.data);
    });
  }

  /** @param {Answer<Link>} answer */
  function noteSettled(answer) {
    if (answer.ok && answer.data.state !== "intended") void onPage.refresh();
  }

  return {
    atRecord,

    /** What our script in a page may ask; the tab is the browser's word. */
    page: {
      /**
       * The decision that waits for this tab's page; null where there is none.
       * @param {number} tab
       * @returns {Promise<Answer<AssistView | null>>}
       */
      assist_read: (tab) =>
        atRecord(tab, async (at) => {
          const found = await at.api.openLinks(at.place.id);
          if (!found.ok) return found;
          const link = found.data.links.find((/** @type {Link} */ one) => one.state === "intended" && one.method === "pages" && one.record.id === at.place.id);
          return { ok: true, data: link ? await viewOf(at, link, tab) : null };
        }),

      /**
       * Tell what the page shows, before the field is filled or after the person saved.
       * @param {number} tab
       * @param {{link: string, stage: "before" | "after", value: string | null, replaces: string | null, record_version: number | null}} asked
       * @returns {Promise<Answer<{link: AssistLink, fill: boolean}>>}
       */
      assist_observe: (tab, { link: id, stage, value, replaces, record_version }) =>
        withLink(tab, id, async ({ api, workspace }, link) => {
          if (stage === "after") await filledFields.forget(id);
          const answer = await api.observe(link.id, { connection_id: workspace.connection_id ?? "", stage, value, replaces, ...(record_version === null ? {} : { record_version }) });
          noteSettled(answer);
          return answer.ok ? { ok: true, data: { link: forPage(answer.data), fill: answer.data.fill === true } } : answer;
        }),

      /**
       * The field was filled in, and is not saved yet.
       * @param {number} tab
       * @param {{link: string}} filled
       * @returns {Promise<Answer<null>>}
       */
      async assist_filled(tab, { link }) {
        await filledFields.note({ link, tab });
        return { ok: true, data: null };
      },

      /**
       * Give the decision up; `seen` where the page surely shows what `value` says.
       * @param {number} tab
       * @param {{link: string, seen: boolean, value: string | null}} asked
       * @returns {Promise<Answer<{link: AssistLink}>>}
       */
      assist_withdraw: (tab, { link: id, seen, value }) =>
        withLink(tab, id, async ({ api, workspace }, link) => {
          const answer = await api.withdraw(link.id, { connection_id: workspace.connection_id ?? "", ...(seen ? { value } : {}) });
          noteSettled(answer);
          return answer.ok ? { ok: true, data: { link: forPage(answer.data) } } : answer;
        }),

      /**
       * Where the reference's field is on such pages, as an admin shows it.
       * @param {number} tab
       * @param {{selector: string, label: string}} shown
       * @returns {Promise<Answer<null>>}
       */
      assist_field: (tab, shown) =>
        atRecord(tab, async ({ api, place }) => {
          const answer = await api.showField(place.kind, { host: place.host, ...shown });
          return answer.ok ? { ok: true, data: null } : { ok: false, problem: answer.problem };
        }),
    },

    popup: {
      /**
       * From the popup: go to the record's page, and begin there.
       * @param {{link: string}} asked
       * @returns {Promise<Answer<{assisted: boolean}>>} whether our panel is there; else the person opens the popup there
       */
      assist_open: ({ link: id }) =>
        connected(async (api, connection) => {
          const found = await api.readLink(id);
          if (!found.ok) return found;
          const [{ packages }, workspace] = await Promise.all([rules.get(connection.server, api), askWorkspace(connection, api)]);
          if (!workspace.ok) return workspace;
          const { record } = found.data;
          /** @param {string} address */
          const isRecord = (address) => packages !== null && recordAt(address, packages, workspace.data)?.id === record.id;
          const url = isRecord(record.page_url) ? record.page_url : null;
          const tab = await recordTabs.show(isRecord, url);
          const assisted = tab === null ? url !== null && (await onPage.isOn(COMMUSOFT)) : await recordTabs.assist(tab);
          return { ok: true, data: { assisted } };
        }),

      /**
       * From the popup on the record's own page.
       * @param {{tab: number}} asked
       * @returns {Promise<Answer<{assisted: boolean}>>}
       */
      assist_here: ({ tab }) => atRecord(tab, async () => ({ ok: true, data: { assisted: await recordTabs.assist(tab) } })),

      /**
       * @param {{link: string}} asked
       * @returns {Promise<Answer<Link>>}
       */
      withdraw: ({ link }) =>
        connected(async (api, connection) => {
          const workspace = await askWorkspace(connection, api);
          if (!workspace.ok) return workspace;
          const answer = await api.withdraw(link, { connection_id: workspace.data.connection_id ?? "" });
          noteSettled(answer);
          return answer;
        }),
    },
  };
}

/**
 * A link as far as a page's script needs it.
 * @param {Link} link
 * @returns {AssistLink}
 */
function forPage({ id, state, reference, prior_reference, contact_name, by, created_at, record, record_version, failure }) {
  return { id, state, reference, prior_reference, contact_name, by, created_at, record_version, record: record.label, failure: failure?.detail ?? null };
}
