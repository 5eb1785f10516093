// @ts-check
// What the background does for the pages, without a browser in it: open, suggest, confirm, undo.

import { contactKey, displayName, withOverrides } from "../page/contact.js";
import { joinable, preview, sameList, sendList } from "./list_drafts.js";
import { markFor } from "./page_button.js";
import { targetFromForm, targetOfUrl, targetOfTab, isSameContact } from "../page/target.js";
import { problem } from "../server/problem.js";
import { createParking } from "./parking.js";
import { createAssist } from "./assist.js";
import { createLinkTable } from "./link_table.js";
import { createRecordCommands, readBeforeDecision } from "./record_commands.js";
import { createSageForm } from "./sage_form.js";
import { createSettings } from "./option_commands.js";
import { createSender } from "./sender.js";
import { createSuggestions, otherConnection } from "./suggestions.js";

/** @typedef {import("../page/rule_types.js").Packages} Packages */
/** @typedef {import("../server/api.js").Api} Api */
/** @typedef {import("./pending_requests.js").PendingRequest} Attempt */
/** @typedef {import("../page/target.js").AtContact} AtContact */
/** @typedef {import("../page/target.js").AtList} AtList */
/** @typedef {import("../types.js").Draft} Draft */
/** @typedef {import("../page/target.js").NoTarget} Elsewhere */
/** @typedef {import("../server/session.js").SessionState} Connection */
/** @typedef {import("../server/connection.js").ConnectionStatus} ConnectionStatus */
/** @typedef {import("../types.js").SentOverrides} SentOverrides */
/** @typedef {import("../types.js").Kind} Kind */
/** @typedef {import("../types.js").ContactSnapshot} ContactSnapshot */
/** @typedef {import("../types.js").Problem} Problem */

/**
 * @template T
 * @typedef {import("../types.js").Answer<T>} Answer
 */

/**
 * @typedef {object} Parts
 * @property {import("../server/session.js").SessionStore} session
 * @property {import("../server/connection.js").Connecting} connecting
 * @property {import("../server/rule_cache.js").Rules} rules
 * @property {import("./pending_requests.js").Attempts} attempts
 * @property {import("./snapshots.js").Snapshots} snapshots
 * @property {import("./list_drafts.js").Lists} lists
 * @property {import("./page_button.js").OnPage} onPage
 * @property {import("../page/target.js").Tabs} tabs
 * @property {import("./assist.js").RecordTabs} recordTabs
 * @property {import("./link_table.js").TableTabs} tableTabs
 * @property {import("../server/session.js").Store} memory kept while the browser runs
 * @property {() => string} newKey
 * @property {() => number} now milliseconds
 * @property {(connection: Connection) => Api} api
 */

/** @typedef {{package: string, name: string, by_hand: {label: string, explain: string, reference_is_name?: boolean} | null}} PackageInWords */
/**
 * A request whose outcome no one has seen; `open`: the outcome is not known here either.
 * @typedef {{key: string, action: "link" | "undo", title: string, open: boolean}} OpenAttempt
 */

/**
 * A list as the popup shows it; `list` is null where there is nothing to send, `refused` says why nothing may be sent.
 * @typedef {ReturnType<typeof preview> & {list: string | null, drafts: Draft[], refused: Problem | null}} ListView
 */

/**
 * @typedef {object} PopupState what a popup needs to draw its first screen
 * @property {ConnectionStatus} status
 * @property {Problem | null} problem why the server could not be asked
 * @property {AtContact & {snapshot: string} | ListView | import("../page/target.js").AtRecord | Elsewhere | null} place null where nothing could be looked up
 * @property {PackageInWords[]} packages
 * @property {OpenAttempt | null} attempt a request about this contact whose outcome no one has seen
 * @property {OpenAttempt[]} others such requests about other contacts
 */

/** @typedef {{typed: {name: string, postcode: string} | null}} Typed */
/** @typedef {{differences: import("../types.js").Difference[]}} LinkedOver */

/** @typedef {ReturnType<typeof createCommands>} Commands */

/** @param {Parts} parts */
export function createCommands(parts) {
  const { session, connecting, rules, attempts, snapshots, lists, onPage, tabs } = parts;
  /**
   * @param {(packages: Packages) => Promise<AtContact | AtList | import("../page/target.js").AtRecord | Elsewhere | {expected: string}>} find
   * @param {number | null} [tab]
   * @returns {Promise<Answer<PopupState>>}
   */
  async function view(find, tab = null) {
    await connecting.applyPolicy();
    const connection = await session.read();
    if (!connection) {
      const blank = await blankView(null);
      return blank.status.connected ? view(find, tab) : { ok: true, data: blank }; // connected meanwhile
    }
    const api = parts.api(connection);
    const [known, workspace] = await Promise.all([
      rules.get(connection.server, api),
      askWorkspace(connection, api),
    ]);
    const trouble = workspace.ok ? known.problem : workspace.problem;
    if (!known.packages) return { ok: true, data: await blankView(trouble ?? problem("rules-unknown")) };
    const place = await find(known.packages);
    if ("expected" in place) return { ok: false, problem: problem("reference-malformed", { detail: place.expected }) };
    const blank = await blankView(trouble);
    const packages = packageOptions(known.packages);
    if (place.page === "list") return { ok: true, data: { ...blank, place: await atList(place, tab, api), packages } };
    if (place.page !== "contact") return { ok: true, data: { ...blank, place, packages } };
    const connection_id = workspace.ok ? (workspace.data.connection_id ?? null) : null;
    return { ok: true, data: { ...blank, packages, ...(await atContact(place, connection_id)) } };
  }

  /**
   * @param {Problem | null} trouble
   * @returns {Promise<PopupState>}
   */
  async function blankView(trouble) {
    const others = (await attempts.all()).map(unseen);
    const status = await connecting.status();
    return { status, problem: trouble, place: null, packages: [], attempt: null, others };
  }

  /**
   * Keep the list, and find the drafts that it may join.
   * @param {AtList} place
   * @param {number | null} tab null when nothing of the page can be seen
   * @param {Api} api
   * @returns {Promise<ListView>}
   */
  async function atList(place, tab, api) {
    const shown = preview(place);
    if (tab === null || place.contacts.length === 0) return { ...shown, list: null, drafts: [], refused: null };
    const [id, drafts] = await Promise.all([lists.keep(place, tab), api.drafts()]);
    if (!drafts.ok) return { ...shown, list: id, drafts: [], refused: drafts.problem };
    return { ...shown, list: id, drafts: joinable(drafts.data.batches, place), refused: null };
  }

  /**
   * Keep the contact, and sort the requests no one has seen the outcome of.
   * @param {AtContact} place
   * @param {string | null} connection_id
   */
  async function atContact(place, connection_id) {
    const { source, tab, address, contact, details } = place;
    const snapshot = await snapshots.keep({ source, tab, address, contact, details, connection_id });
    const subject = contactKey(contact);
    const noted = await attempts.all();
    const here = noted.filter((one) => one.subject === subject).at(-1) ?? null;
    const others = noted.filter((one) => one !== here).map(unseen);
    return { place: { ...place, snapshot: snapshot.id }, attempt: here && unseen(here), others };
  }

  /**
   * @param {Connection} connection
   * @param {Api} api
   */
  async function askWorkspace(connection, api) {
    const answer = await api.workspace();
    if (!answer.ok) return answer;
    await session.noteWorkspace(connection, answer.data);
    const { connection_id } = answer.data;
    if (connection_id) await attempts.endOthers(connection_id, otherConnection());
    return answer;
  }

  /**
   * @template T
   * @param {(api: Api, connection: Connection) => Promise<Answer<T>>} work
   * @returns {Promise<Answer<T>>}
   */
  async function connected(work) {
    const connection = await session.read();
    if (!connection) return { ok: false, problem: problem("not-connected") };
    return work(parts.api(connection), connection);
  }

  const send = createSender({ attempts, onPage, connected });
  const assist = createAssist({ ...parts, connected, askWorkspace });
  const sageForm = createSageForm({ tableTabs: parts.tableTabs, atRecord: assist.atRecord });
  const linkTable = createLinkTable({ ...parts, connected, askWorkspace });

  return {
    /** @param {{tab: number}} asked */
    open_tab: ({ tab }) => view((packages) => targetOfTab(tab, packages, tabs), tab),

    /** @param {{address: string}} asked */
    open_url: ({ address }) => view(async (packages) => targetOfUrl(address, packages)),

    /** @param {{package: string, reference: string, name: string, postcode: string, kind: Kind}} asked */
    open_form: (asked) => view(async (packages) => targetFromForm(asked, packages)),

    ...createSuggestions(snapshots, connected),

    /**
     * Write what the person decided, if the contact is still the one the decision was about.
     * @param {{snapshot: string, kind: Kind, record: string} & SentOverrides & Typed & LinkedOver} asked
     * @returns {Promise<Answer<any> & {attempt?: string, open?: boolean}>}
     */
    async confirm(asked) {
      const snapshot = await snapshots.find(asked.snapshot);
      if (!snapshot) return { ok: false, problem: problem("snapshot-lost") };
      const connection = await session.read();
      if (!connection) return { ok: false, problem: problem("not-connected") };
      const { packages } = await rules.get(connection.server, parts.api(connection));
      if (!packages) return { ok: false, problem: problem("rules-unknown") };
      const now = await isSameContact(snapshot, packages, tabs);
      if (now !== "same") return { ok: false, problem: problem(now) };
      const workspace = connection.workspace ?? /** @type {any} */ ({});
      const { same, seen } = await readBeforeDecision(snapshot, { packages, workspace, tabs, recordTabs: parts.recordTabs });
      if (!same || (snapshot.at && snapshot.at.record !== asked.record)) return { ok: false, problem: problem("tab-moved") };
      return send(await attempts.begin(linkRequest(snapshot, asked, seen)));
    },

    /**
     * Send a list as a draft, if its page still shows what the person saw. The drafts that wait now come along.
     * @param {{list: string, batch: string | null}} asked
     * @returns {Promise<Answer<{draft: Draft & {added: number, completed: number, sent: number}, drafts: Draft[]}>>}
     */
    async collect(asked) {
      const list = await lists.find(asked.list);
      if (!list) return { ok: false, problem: problem("snapshot-lost") };
      return connected(async (api, connection) => {
        const { packages } = await rules.get(connection.server, api);
        if (!packages) return { ok: false, problem: problem("rules-unknown") };
        if ((await tabs.address(list.tab)) === null) return { ok: false, problem: problem("tab-closed") };
        const now = await targetOfTab(list.tab, packages, tabs);
        if (now.page !== "list" || !sameList(list, now)) return { ok: false, problem: problem("list-changed") };
        const answer = await sendList(api, list, asked.batch);
        if (!answer.ok) return answer;
        const drafts = await api.drafts();
        return { ok: true, data: { draft: answer.data, drafts: drafts.ok ? drafts.data.batches : [answer.data] } };
      });
    },

    /**
     * Learn, or bring about, the outcome of an earlier request.
     * @param {{attempt: string}} asked
     * @returns {Promise<Answer<any> & {attempt?: string, open?: boolean}>}
     */
    async resume(asked) {
      const attempt = await attempts.find(asked.attempt);
      if (!attempt) return { ok: false, problem: problem("outcome-seen") };
      return attempt.answer ? { ...attempt.answer, attempt: attempt.key, open: false } : send(attempt);
    },

    /** @param {{attempt: string}} asked */
    async acknowledge(asked) {
      await attempts.remove(asked.attempt);
      return { ok: true, data: null };
    },

    /** @param {{link: string}} asked */
    refreshLink: ({ link }) =>
      connected(async (api) => {
        const answer = await api.readLink(link);
        if (answer.ok && answer.data.state !== "intended") void onPage.refresh();
        return answer;
      }),

    /** @param {{snapshot: string | null, link: string, title: string, also_on: string[]}} asked */
    async undo(asked) {
      const snapshot = asked.snapshot === null ? null : await snapshots.find(asked.snapshot);
      const subject = snapshot ? contactKey(snapshot.contact) : `undo:${asked.link}`;
      const body = { link: asked.link, also_on: asked.also_on };
      const connection_id = snapshot ? snapshot.connection_id : ((await session.read())?.workspace?.connection_id ?? null);
      return send(await attempts.begin({ action: "undo", subject, title: asked.title, body, connection_id }));
    },

    ...createParking(snapshots, connected),

    ...assist.popup,

    /** What our scripts on Commusoft's pages may ask. */
    onRecordPage: { ...assist.page, ...linkTable.page, ...sageForm.page },

    ...linkTable.popup,

    ...sageForm.popup,

    /** A tab has loaded a page. */
    loaded: linkTable.loaded,

    ...createRecordCommands({ ...parts, atRecord: assist.atRecord }),

    ...createSettings(parts, { connected, askWorkspace }),

    /**
     * What the button in a tab shows, asked by our script there; null where there is none.
     * @param {number} tab
     */
    async mark(tab) {
      const connection = await session.read();
      if (!connection) return null;
      const api = parts.api(connection);
      const { packages } = await rules.get(connection.server, api);
      return markFor(await tabs.address(tab), { packages, onPage, api });
    },
  };
}

/**
 * @param {Attempt} attempt
 * @returns {OpenAttempt}
 */
function unseen({ key, action, title, answer }) {
  return { key, action, title, open: answer === null };
}

/**
 * @param {ContactSnapshot} snapshot
 * @param {{kind: Kind, record: string} & SentOverrides & Typed & LinkedOver} asked
 * @param {{reference: string | null} | null} seen what the record's page showed just before
 * @returns {import("./pending_requests.js").NewRequest}
 */
function linkRequest(snapshot, asked, seen) {
  const { contact, connection_id } = snapshot;
  const title = displayName(withOverrides(snapshot.details, asked.typed));
  const body = {
    package: contact.package,
    kind: contact.kind ?? asked.kind,
    reference: contact.reference,
    organisation: contact.organisation,
    contact_name: title,
    record_id: asked.record,
    replaces: asked.replaces,
    also_on: asked.also_on,
    checked_empty: asked.checked_empty,
    // Left out where they are not needed or known: a server of an earlier version refuses what it does not know.
    ...(connection_id ? { connection_id } : {}),
    ...(asked.accepts_kind ? { accepts_kind: true } : {}),
    ...(seen ? { seen } : {}),
    differences: asked.differences,
  };
  return { action: "link", subject: contactKey(contact), title, body, connection_id };
}

/**
 * By name: a browser's storage keeps no order of its own.
 * @param {Packages} packages
 * @returns {PackageInWords[]}
 */
function packageOptions(packages) {
  return Object.entries(packages.packages)
    .map(([name, rule]) => ({ package: name, name: String(rule.name), by_hand: rule.by_hand ?? null }))
    .sort((one, other) => one.name.localeCompare(other.name, "en-GB"));
}
