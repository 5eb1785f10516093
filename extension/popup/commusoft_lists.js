// @ts-check
// Over Commusoft's pages with many customers or suppliers: a reviewed list goes into the table of references, and
// lists are saved page by page.

import { httpUrl } from "../lib/linking/ranking.js";
import { sendMessage } from "../ui/send_message.js";
import { h } from "../ui/dom.js";
import { t, tCount } from "../ui/i18n.js";
import { earlier, showOtherContact } from "./other_contact.js";
import { button, headline, notice, openLink } from "./components.js";
import { showWorking } from "./progress.js";

/** @typedef {import("./app.js").PopupController} App */
/** @typedef {import("../lib/linking/link_table.js").AtCrm} AtCrm */
/** @typedef {import("../lib/linking/link_table.js").AtTable} AtTable */
/** @typedef {import("../lib/linking/link_table.js").WaitingList} WaitingList */
/** @typedef {import("../lib/linking/record_lists.js").RecordsView} RecordsView */
/** @typedef {import("../lib/linking/record_lists.js").Sent} Sent */
/** @typedef {import("../lib/types.js").Kind} Kind */

/**
 * What a page without a contact has for us, if it is one of Commusoft's.
 * @param {App} app
 */
export async function loadCrmPage(app) {
  const current = app.beginTask();
  const answer = await sendMessage("crm_page", { tab: app.tab });
  if (!current()) return undefined;
  if (!answer.ok) return app.trouble(answer.problem);
  /** @type {AtTable | AtCrm | RecordsView | null} */
  const place = answer.data;
  if (place === null) return showOtherContact(app);
  if (place.page === "crm") return showWay(app, place);
  return place.page === "table" ? showTable(app, place) : showRecords(app, place);
}

/**
 * The table of references, and the reviewed lists that can go into it. Which one is for the person to say: only a
 * list that waits alone, or whose page they have open, is on Enter.
 * @param {App} app
 * @param {AtTable} place
 */
function showTable(app, { several, lists, named }) {
  const possible = !several && lists.length > 0;
  const first = lists.length === 1 ? lists[0]?.id : named;
  const words = several ? "table_several" : lists.length > 0 ? "table_choose" : "table_no_lists";
  const buttons = possible ? lists.map((list) => fillButton(app, list, list.id === first)) : [];
  const chosen = possible ? lists.findIndex((list) => list.id === first) : -1;
  app.stage.show({
    name: "table",
    body: [
      headline("page", "info", t("table_title")), earlier(app), h("p", {}, t(words)),
      lists.length > 1 && named !== null && possible && h("p", { class: "muted" }, t("table_named", nameOf(lists, named))),
      buttons.length > 0 && h("div", { class: "choices" }, buttons),
    ],
    actions: [listsLink(app), button(t("look_again"), app.start, { first: !possible })],
    enter: buttons[chosen] ?? null,
    announcement: `${t("table_title")}. ${t(words)}`,
  });
}

/** @param {WaitingList[]} lists @param {string} id */
const nameOf = (lists, id) => lists.find((one) => one.id === id)?.name ?? "";

/**
 * Elsewhere in Commusoft while lists wait: the way to the table.
 * @param {App} app
 * @param {AtCrm} place
 */
function showWay(app, { lists, named }) {
  const [only] = named === null ? lists : lists.filter((one) => one.id === named);
  const waits = only && (lists.length === 1 || named !== null) ? t("table_list_waits", only.name) : t("table_lists_wait", String(lists.length));
  app.stage.show({
    name: "table-way",
    body: [headline("page", "info", waits), earlier(app), h("p", {}, t("table_way")), h("p", { class: "muted" }, t("table_way_again"))],
    actions: [button(t("other_contact"), () => showOtherContact(app, "other_contact")), listsLink(app), button(t("look_again"), app.start, { first: true })],
    announcement: `${waits}. ${t("table_way")}`,
  });
}

/** @param {App} app @param {WaitingList} list @param {boolean} first */
function fillButton(app, list, first) {
  const words = t(list.rows === 1 ? "table_fill_from_one" : "table_fill_from_other", list.rows.toLocaleString("en-GB"), list.name);
  return button(words, () => void fill(app, list), { first, ...(first ? { hint: t("key_enter") } : {}) });
}

/** @param {App} app @param {WaitingList} list */
async function fill(app, list) {
  const answer = await sendMessage("table_start", { tab: app.tab, batch: list.id, list: list.name.slice(0, 300) });
  if (!answer.ok) return app.trouble(answer.problem);
  // What follows is in the page, where the person looks on.
  return window.close();
}

/** @param {App} app */
function listsLink(app) {
  const server = app.view?.status.server;
  const address = server ? httpUrl(`${server}/lists`) : null;
  return address ? openLink(address, t("table_open_lists")) : null;
}

/** @param {Kind} kind @param {number} count */
const counted = (kind, count) => tCount(kind === "customer" ? "customers" : "suppliers", count);

/**
 * One of Commusoft's lists, as the next page of an import or the first of a new one.
 * @param {App} app
 * @param {RecordsView} place
 */
function showRecords(app, { kind, count, names, list, begun }) {
  const title = t(kind === "customer" ? "records_title_customers" : "records_title_suppliers");
  const send = button(t("records_save", counted(kind, count)), () => void save(app, list, false), { first: true, hint: t("key_enter") });
  const more = count - names.length;
  app.stage.show({
    name: "records",
    body: [
      headline("page", "info", title),
      h("p", {}, t("records_text")),
      begun && notice("info", t("records_begun", counted(kind, begun.count))),
      h("ul", { class: "names" }, names.map((name) => h("li", {}, name)), more > 0 && h("li", { class: "muted" }, tCount("and_more", more))),
      begun && button(t("records_fresh"), () => void save(app, list, true)),
    ],
    actions: [send],
    enter: send,
    announcement: `${title}. ${counted(kind, count)}`,
  });
}

/** @param {App} app @param {string} list @param {boolean} fresh */
async function save(app, list, fresh) {
  showWorking(app, "records_saving");
  const current = app.beginTask();
  const answer = await sendMessage("records_send", { list, fresh });
  if (!current()) return undefined;
  return answer.ok ? showSaved(app, answer.data) : app.trouble(answer.problem);
}

/** @param {App} app @param {Kind} kind @param {number | null} removes */
async function complete(app, kind, removes) {
  showWorking(app, "records_saving");
  const current = app.beginTask();
  const answer = await sendMessage("records_complete", { kind, removes });
  if (!current()) return undefined;
  if (!answer.ok) return app.trouble(answer.problem);
  /** @type {Sent} */
  const sent = answer.data;
  return sent.finished ? showComplete(app, kind, sent) : askRemoval(app, kind, sent);
}

/**
 * A page is saved: the next one, or that was all.
 * @param {App} app
 * @param {Sent} sent
 */
function showSaved(app, { fresh, changed, same, begun }) {
  const { kind } = begun;
  const title = t("records_saved", counted(kind, fresh + changed + same));
  app.stage.show({
    name: "records-saved",
    body: [
      headline("check", "good", title),
      h("p", {}, t("records_saved_text", fresh.toLocaleString("en-GB"), changed.toLocaleString("en-GB"), same.toLocaleString("en-GB"))),
      notice("info", t("records_next")),
      h("h2", {}, t("records_all_title")),
      h("p", {}, t("records_all_text", counted(kind, begun.count))),
      button(t(kind === "customer" ? "records_all_customers" : "records_all_suppliers"), () => void complete(app, kind, null)),
    ],
    actions: [button(t("look_again"), app.start, { first: true })],
    announcement: title,
  });
}

/** @param {App} app @param {Kind} kind @param {Sent} sent */
function askRemoval(app, kind, { would_remove, begun }) {
  const gone = counted(kind, would_remove);
  app.stage.show({
    name: "records-removal",
    body: [headline("caution", "stop", t("records_removal", gone)), h("p", {}, t("records_removal_text", counted(kind, begun.count)))],
    actions: [button(t("records_remove", gone), () => void complete(app, kind, would_remove)), button(t("cancel"), app.start, { first: true })],
    focusStep: true,
    announcement: t("records_removal", gone),
  });
}

/** @param {App} app @param {Kind} kind @param {Sent} sent */
function showComplete(app, kind, { gone, begun }) {
  const title = t("records_complete", counted(kind, begun.count));
  app.stage.show({
    name: "records-complete",
    body: [headline("check", "good", title), gone > 0 && h("p", {}, t("records_gone", counted(kind, gone)))],
    actions: [button(t("look_again"), app.start, { first: true })],
    announcement: title,
  });
}
