// @ts-check
// What became of a decision.

import { isLinkOf, linkBehind } from "../lib/linking/ranking.js";
import { gaveNoAnswer, seenAtAddress } from "../lib/server/problem.js";
import { h } from "../ui/dom.js";
import { t, formatDateTime } from "../ui/i18n.js";
import { button, contactCard, headline, notice, openLink, recordCard, referenceChange, referenceClash, referenceLine } from "./components.js";
import { isKnown, problemScreen } from "./problem_steps.js";

/** @typedef {import("./app.js").PopupController} App */
/** @typedef {import("../lib/types.js").Link} Link */
/** @typedef {import("../lib/types.js").SuggestionAnswer} SuggestionAnswer */

/**
 * @param {App} app
 * @param {Link} link
 */
export function showLinked(app, link) {
  app.stage.show({
    name: "linked",
    body: [
      headline("check", "good", t("linked")),
      h("p", {}, t("linked_text", link.record.label)),
      recordCard(link.record),
      referenceLine(link.reference ?? "", app.announce),
      link.prior_reference && h("p", { class: "muted" }, t("before", link.prior_reference)),
      notedDifferences(link),
    ],
    actions: [
      link.can_undo && undoButton(app, link),
      openLink(link.record.page_url, t("open_in_commusoft"), true),
    ],
    announcement: t("linked_text", link.record.label),
  });
}

/**
 * What was linked over, and is kept with the link.
 * @param {Link} link
 */
function notedDifferences({ differences = [] }) {
  if (differences.length === 0) return null;
  const fields = differences.map(({ field }) => t(field).toLocaleLowerCase("en-GB"));
  return notice("info", t("differences_noted", new Intl.ListFormat("en-GB").format(fields)));
}

/**
 * @param {App} app
 * @param {Link} link the undo
 */
export function showUndone(app, link) {
  const { label } = link.record;
  const text = link.reference ? t("undone_text_earlier", label) : t("undone_text", label);
  app.stage.show({
    name: "undone",
    body: [
      headline("undo", "good", t("undone")),
      h("p", {}, text),
      recordCard(link.record),
      referenceChange(link.prior_reference, link.reference, true),
    ],
    actions: [openLink(link.record.page_url, t("open_in_commusoft")), button(t("look_again"), app.start, { first: true })],
    announcement: text,
  });
}

/**
 * The contact's reference is on a record already.
 * @param {App} app
 * @param {SuggestionAnswer} answer
 * @param {import("../lib/types.js").CrmRecord[]} holders the records it is on
 */
export function showAlready(app, answer, holders) {
  const { place } = app;
  const behind = holders.map((record) => ({ record, link: linkBehind(answer, record) }));
  const [first] = behind;
  if (!place || !first) return;
  const { record, link } = first;
  const one = behind.length === 1;
  app.stage.show({
    name: "already",
    body: [
      contactCard(place.contact, app.details, app.announce, "p"),
      headline("check", "good", t("already_linked")),
      h("p", {}, t(one ? "already_text" : "already_text_many", record.label)),
      one ? [recordCard(record), madeBy(app, link)] : behind.map((each) => holderCard(app, each)),
      h("p", {}, h("button", { type: "button", class: "inline", on: { click: app.choose } }, t("link_another"))),
    ],
    actions: one ? [mayUndo(app, link) && undoButton(app, link), openLink(record.page_url, t("open_in_commusoft"), true)] : [],
    announcement: t("already_linked"),
  });
}

/**
 * One of several records that have the reference.
 * @param {App} app
 * @param {{record: import("../lib/types.js").CrmRecord, link: Link | null}} holder
 */
function holderCard(app, { record, link }) {
  const open = openLink(record.page_url, t("open_in_commusoft"));
  const steps = h("div", { class: "row" }, open, mayUndo(app, link) && undoButton(app, link));
  return recordCard(record, madeBy(app, link), steps);
}

/**
 * Who put the reference on a record, as far as crmlink knows.
 * @param {App} app
 * @param {Link | null} link
 */
function madeBy(app, link) {
  return h("p", { class: "muted" }, madeByWords(app, link));
}

/**
 * @param {App} app
 * @param {Link | null} link
 */
function madeByWords(app, link) {
  if (!link) return t("linked_unknown");
  const { by, settled_at, created_at } = link;
  const when = formatDateTime(settled_at ?? created_at);
  if (app.place && !isLinkOf(link, app.place.contact)) return t("linked_from_other", by, when);
  return t(link.prior_reference === link.reference ? "linked_was_there" : "linked_by", by, when);
}

/**
 * @param {App} app
 * @param {Link | null} link
 * @returns {link is Link}
 */
function mayUndo(app, link) {
  return link !== null && link.can_undo && app.place !== null && isLinkOf(link, app.place.contact);
}

/**
 * Commusoft has not answered; the server goes on by itself.
 * @param {App} app
 * @param {Link} link
 */
export function showWaiting(app, link) {
  app.stage.show({
    name: "waiting",
    body: [
      headline("clock", "info", t("waiting")),
      h("p", {}, t("waiting_text")),
      recordCard(link.record),
      referenceChange(link.prior_reference, link.reference),
      h("p", { class: "muted" }, t("waiting_since", formatDateTime(link.created_at), link.by)),
    ],
    announcement: t("waiting"),
  });
}

/**
 * Commusoft holds neither what was nor what was written: a person decides.
 * @param {App} app
 * @param {Link} link
 */
export function showConflict(app, link) {
  app.stage.show({
    name: "conflict",
    body: [
      headline("caution", "caution", t("conflict")),
      h("p", {}, link.failure?.detail || t("conflict_text", link.record.label)),
      recordCard(link.record),
      referenceClash(link.record.reference, link.reference),
    ],
    actions: [openLink(link.record.page_url, t("open_in_commusoft")), button(t("choose_again"), app.choose, { first: true })],
    focusStep: true,
    announcement: t("conflict"),
  });
}

/**
 * The request may or may not have arrived. Sending it again cannot write twice.
 * @param {App} app
 * @param {import("../lib/types.js").Problem} problem
 * @param {string} attempt
 */
export function showNoAnswer(app, problem, attempt) {
  app.stage.show({
    name: "no-answer",
    body: [
      headline("clock", "caution", t("no_answer")),
      h("p", {}, t(unanswered(problem)), " ", t("no_answer_safe")),
      seenAtAddress(problem) && isKnown(problem.type) && h("p", { class: "muted" }, t(problemScreen(problem, false).text)),
      app.place && contactCard(app.place.contact, app.details, app.announce, "p"),
      app.decision && recordCard(app.decision.record),
      problem.request_id && notice("info", t("quote_this"), " ", h("code", {}, problem.request_id)),
    ],
    actions: [
      seenAtAddress(problem) && openLink(app.view?.status.server ?? "", t("open_address")),
      app.place && button(t("choose_again"), () => void app.giveUp(attempt)),
      button(t("try_again"), () => void app.resume(attempt), { first: true }),
    ],
    focusStep: true,
    announcement: t("no_answer"),
  });
}

/**
 * Why it is not known what became of a request.
 * @param {import("../lib/types.js").Problem} found
 */
function unanswered(found) {
  const { type } = found;
  if (type === "offline" || type === "permission-missing") return `no_answer_${type.replace("-missing", "")}`;
  return gaveNoAnswer(found) ? "no_answer_text" : "no_answer_unclear";
}

/**
 * @param {App} app
 * @param {Link} link
 */
function undoButton(app, link) {
  return button(t("undo"), () => void app.undo(link), { drawing: "undo" });
}
