// @ts-check
// What became of a decision.

import { isOurs } from "../lib/linking/ranking.js";
import { h } from "../ui/dom.js";
import { say, sayWhen } from "../ui/i18n.js";
import { button, contactCard, headline, notice, openLink, recordCard, referenceChange, referenceClash, referenceLine } from "./components.js";

/** @typedef {import("./app.js").App} App */
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
      headline("check", "good", say("linked")),
      h("p", {}, say("linked_text", link.record.label)),
      recordCard(link.record),
      referenceLine(link.reference ?? "", app.announce),
      link.prior_reference && h("p", { class: "muted" }, say("before", link.prior_reference)),
      notedDifferences(link),
    ],
    actions: [
      link.can_undo && undoButton(app, link),
      openLink(link.record.page_url, say("open_in_commusoft"), true),
    ],
    hear: say("linked_text", link.record.label),
  });
}

/**
 * What was linked over, and is kept with the link.
 * @param {Link} link
 */
function notedDifferences({ differences = [] }) {
  if (differences.length === 0) return null;
  const fields = differences.map(({ field }) => say(field).toLocaleLowerCase("en-GB"));
  return notice("info", say("differences_noted", new Intl.ListFormat("en-GB").format(fields)));
}

/**
 * @param {App} app
 * @param {Link} link the undo
 */
export function showUndone(app, link) {
  const { label } = link.record;
  const text = link.reference ? say("undone_text_earlier", label) : say("undone_text", label);
  app.stage.show({
    name: "undone",
    body: [
      headline("undo", "good", say("undone")),
      h("p", {}, text),
      recordCard(link.record),
      referenceChange(link.prior_reference, link.reference),
    ],
    actions: [openLink(link.record.page_url, say("open_in_commusoft")), button(say("look_again"), app.start, { first: true })],
    hear: text,
  });
}

/**
 * The contact's reference is on a record already.
 * @param {App} app
 * @param {SuggestionAnswer} answer
 * @param {import("../lib/types.js").CrmRecord[]} holders the records it is on
 */
export function showAlready(app, { link }, holders) {
  const { place } = app;
  if (!place) return;
  const ours = isOurs(link, place.contact, holders) ? link : null;
  app.stage.show({
    name: "already",
    body: [
      contactCard(place.contact, app.details, app.announce, "p"),
      headline("check", "good", say("already_linked")),
      h("p", {}, say(holders.length > 1 ? "already_text_many" : "already_text", holders[0]?.label ?? "")),
      holders.map((record) => recordCard(record, holders.length > 1 && openLink(record.page_url, say("open_in_commusoft")))),
      h("p", { class: "muted" }, ours ? say("linked_by", ours.by, sayWhen(ours.settled_at ?? ours.created_at)) : say("linked_elsewhere")),
      h("p", {}, h("button", { type: "button", class: "inline", on: { click: app.choose } }, say("link_another"))),
    ],
    actions: [
      ours?.can_undo && undoButton(app, ours),
      holders.length === 1 && openLink(holders[0].page_url, say("open_in_commusoft"), true),
    ],
    hear: say("already_linked"),
  });
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
      headline("clock", "info", say("waiting")),
      h("p", {}, say("waiting_text")),
      recordCard(link.record),
      referenceChange(link.prior_reference, link.reference),
      h("p", { class: "muted" }, say("waiting_since", sayWhen(link.created_at), link.by)),
    ],
    hear: say("waiting"),
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
      headline("caution", "caution", say("conflict")),
      h("p", {}, link.failure?.detail || say("conflict_text", link.record.label)),
      recordCard(link.record),
      referenceClash(link.record.reference, link.reference),
    ],
    actions: [openLink(link.record.page_url, say("open_in_commusoft")), button(say("choose_again"), app.choose, { first: true })],
    focusStep: true,
    hear: say("conflict"),
  });
}

/**
 * The request may or may not have arrived. Sending it again cannot write twice.
 * @param {App} app
 * @param {import("../lib/types.js").Problem} problem
 * @param {string} attempt
 */
export function showNoAnswer(app, problem, attempt) {
  const giveUp = async () => {
    await app.forget(attempt);
    app.choose();
  };
  app.stage.show({
    name: "no-answer",
    body: [
      headline("clock", "caution", say("no_answer")),
      h("p", {}, say(`no_answer_${problem.type === "offline" ? "offline" : "text"}`)),
      app.place && contactCard(app.place.contact, app.details, app.announce, "p"),
      app.decision && recordCard(app.decision.record),
      problem.request_id && notice("info", say("quote_this"), " ", h("code", {}, problem.request_id)),
    ],
    actions: [
      app.place && button(say("choose_again"), giveUp),
      button(say("try_again"), () => void app.resume(attempt), { first: true }),
    ],
    focusStep: true,
    hear: say("no_answer"),
  });
}

/**
 * @param {App} app
 * @param {Link} link
 */
function undoButton(app, link) {
  return button(say("undo"), () => void app.undo(link), { drawing: "undo" });
}
