// @ts-check
// A list of contacts: what is on it, sent as a draft in one step, and what waits on the server.

import { suggestedDraft } from "../lib/linking/list_drafts.js";
import { h } from "../ui/dom.js";
import { t, tCount, sayTime, formatDateTime } from "../ui/i18n.js";
import { earlier, otherWays } from "./other_contact.js";
import { button, headline, notice, openLink } from "./components.js";

/** @typedef {import("./app.js").PopupController} App */
/** @typedef {import("../lib/linking/commands.js").ListView} ListView */
/** @typedef {import("../lib/types.js").Draft} Draft */

/**
 * @param {App} app
 * @param {ListView} place
 */
export function showList(app, place) {
  const title = t("list_title", place.package_name);
  const counted = place.count > 0 ? tCount("list_count", place.count) : t("list_count_unknown");
  const { list } = place;
  const possible = list !== null && place.refused === null;
  const joins = possible && place.drafts.length > 0 ? joinQuestion(place.drafts) : null;
  const send = possible ? sendButton(place.count, () => void app.collect(String(list), joins?.chosen() ?? null)) : null;
  app.stage.show({
    name: "list",
    body: [
      headline("page", "info", title),
      earlier(app),
      h("p", {}, counted),
      place.names.length > 0 && nameList(place),
      joins?.element,
      h("p", { class: "muted" }, t(possible ? "list_send_text" : "list_text")),
      place.refused && refusal(place.refused),
      !possible && otherWays(app),
    ],
    actions: [send ?? button(t("look_again"), app.start)],
    enter: send,
    announcement: `${title}. ${counted}`,
  });
}

/**
 * @param {number} count
 * @param {() => void} send
 */
function sendButton(count, send) {
  const element = button(tCount("link_these", count), send, { first: true, drawing: "link", hint: t("key_enter") });
  element.id = "send-list";
  return element;
}

/** @param {ListView} place */
function nameList({ names, count }) {
  const more = count - names.length;
  return h(
    "ul",
    { class: "names" },
    names.map((name) => h("li", {}, name)),
    more > 0 && h("li", { class: "muted" }, tCount("and_more", more)),
  );
}

/**
 * Why nothing may be sent: most often the person's role.
 * @param {import("../lib/types.js").Problem} problem
 */
function refusal(problem) {
  const role = problem.type === "scope-missing" || problem.type === "role-too-low";
  return notice(role ? "info" : "stop", role ? t("list_not_allowed") : `${t("list_refused")} ${problem.detail}`);
}

/**
 * A new list, or the next page of one begun before.
 * @param {Draft[]} drafts
 */
function joinQuestion(drafts) {
  const likely = suggestedDraft(drafts, Date.now());
  /** @param {string} value @param {string} words */
  const choice = (value, words) =>
    h("label", { class: "join" }, h("input", { type: "radio", name: "draft", value, checked: value === (likely ?? "") }), h("span", {}, words));
  const element = h(
    "fieldset",
    { class: "joins" },
    h("legend", {}, t("list_where")),
    drafts.slice(0, 3).map((one) => choice(one.id, joinWords(one))),
    choice("", t("list_new")),
  );
  const chosen = () => /** @type {HTMLInputElement | null} */ (element.querySelector("input:checked"))?.value || null;
  return { element, chosen };
}

/** @param {Draft} draft */
function joinWords(draft) {
  const counted = tCount("contacts", draft.contacts);
  return draft.name ? t("list_join_named", draft.name, begun(draft), counted) : t("list_join", begun(draft), counted);
}

/** @param {Draft} draft */
function begun({ created_at }) {
  const today = new Date(created_at).toDateString() === new Date().toDateString();
  return today ? sayTime(created_at) : formatDateTime(created_at);
}

/**
 * What was kept, and everything that waits for its review.
 * @param {App} app
 * @param {{draft: Draft & {added: number, completed: number, sent: number}, drafts: Draft[]}} kept
 */
export function showListSent(app, { draft, drafts }) {
  const known = draft.sent - draft.added - draft.completed;
  const counted = tCount("list_kept", draft.added + draft.completed);
  const server = app.view?.status.server;
  app.stage.show({
    name: "list-kept",
    body: [
      headline("check", "good", counted),
      draft.completed > 0 && h("p", {}, tCount("list_completed", draft.completed)),
      known > 0 && h("p", {}, tCount("list_known", known)),
      h("p", {}, tCount("list_holds", draft.contacts)),
      notice("info", t("list_waits")),
      drafts.length > 0 && h("h2", {}, t("drafts")),
      drafts.length > 0 && h("ul", { class: "drafts" }, drafts.map((one) => draftLine(app, one, one.id === draft.id))),
    ],
    actions: [
      server ? openLink(`${server}/lists/${encodeURIComponent(draft.id)}`, t("draft_open")) : null,
      button(t("look_again"), app.start, { first: true }),
    ],
    announcement: `${counted}. ${t("list_waits")}`,
  });
}

/**
 * @param {App} app
 * @param {Draft} draft
 * @param {boolean} now whether it is the one just added to
 */
function draftLine(app, draft, now) {
  const known = app.view?.packages.find((one) => one.package === draft.package);
  return h(
    "li",
    { class: now ? "draft now" : "draft" },
    h("p", { class: "draft-name" }, `${known?.name ?? draft.package} · ${tCount("contacts", draft.contacts)}`),
    h("p", { class: "line" }, t("draft_begun", begun(draft), draft.by)),
  );
}
