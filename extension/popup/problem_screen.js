// @ts-check
// One screen for everything that does not work: what happened in a sentence, and the next step.

import { isKnown, problemScreen } from "./problem_steps.js";
import { h } from "../ui/dom.js";
import { t, sayRetry, formatDateTime } from "../ui/i18n.js";
import { showOtherContact } from "./other_contact.js";
import { button, contactCard, headline, openLink, recordCard, referenceClash } from "./components.js";

/** @typedef {import("./app.js").PopupController} App */
/** @typedef {import("../lib/types.js").Problem} Problem */
/** @typedef {import("./problem_steps.js").Step} Step */

/**
 * @param {App} app
 * @param {Problem} problem
 */
export function showProblem(app, problem) {
  const trouble = problemScreen(problem, app.decision !== null);
  const title = t(trouble.title);
  const effect = app.hasOpenOutcome ? t("outcome_open") : trouble.unchanged ? t("nothing_changed") : "";
  const text = [problem.detail || t(trouble.text), effect].filter(Boolean).join(" ");
  app.stage.show({
    name: `trouble-${isKnown(problem.type) ? problem.type : "general"}`,
    body: [
      headline(trouble.tone, trouble.tone, title),
      h("p", {}, text),
      evidence(problem, app),
      problem.retry_after !== null && h("p", { class: "muted" }, sayRetry(problem.retry_after)),
      app.place && contactCard(app.place.contact, app.details, app.announce, "p"),
      problem.request_id && !isKnown(problem.type) && h("p", { class: "muted" }, t("quote_this"), " ", h("code", {}, problem.request_id)),
    ],
    actions: [byHand(problem), ...trouble.steps.toReversed().map((step) => stepButton(app, step, step === trouble.steps[0]))],
    focusStep: true,
    announcement: `${title}. ${text}`,
  });
}

/**
 * What the problem brought along that helps to decide.
 * @param {Problem} problem
 * @param {App} app
 */
function evidence(problem, app) {
  if (problem.type === "link-in-progress" && problem.by) {
    return [h("p", { class: "muted" }, t("in_progress_by", problem.by, formatDateTime(problem.since)))];
  }
  if (problem.type === "cannot-undo") return problem.asked_commusoft ? [referenceNow(problem.current_reference)] : [];
  const record = problem.record ?? problem.link?.record ?? null;
  if (!record) return [];
  const wanted = problem.link?.reference ?? app.place?.contact.reference ?? null;
  return [recordCard(record), problem.type === "record-changed" && referenceClash(problem.current_reference, wanted)];
}

/** @param {string | null} reference */
function referenceNow(reference) {
  return h("p", {}, reference ? t("carries_now") : t("carries_nothing"), " ", reference && h("code", {}, reference));
}

/**
 * Where our writing was not kept, a person can still write it.
 * @param {Problem} problem
 */
function byHand(problem) {
  const record = problem.link?.record;
  const unkept = problem.type === "reference-not-kept" || problem.type === "write-refused";
  return unkept && record ? openLink(record.page_url, t("open_in_commusoft")) : null;
}

/**
 * @param {App} app
 * @param {Step} step
 * @param {boolean} first
 */
function stepButton(app, step, first) {
  /** @type {Record<Step, {words: string, act: () => void}>} */
  const steps = {
    start: { words: "look_again", act: app.start },
    choose: { words: "choose_again", act: app.choose },
    again: { words: "try_again", act: app.again },
    address: { words: "open_address", act: () => chrome.tabs.create({ url: app.view?.status.server ?? "about:blank" }) },
    options: { words: "open_settings", act: () => chrome.runtime.openOptionsPage() },
    elsewhere: { words: "other_contact", act: () => showOtherContact(app, "other_contact") },
  };
  const { words, act } = steps[step];
  return button(t(words), () => void act(), { first });
}
