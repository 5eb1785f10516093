// @ts-check
// The settings' card about the connection: connecting, what is connected with what, and disconnecting.

import { parseServer } from "../lib/server/server_url.js";
import { seenAtAddress } from "../lib/server/problem.js";
import { KNOWN_TYPES } from "../popup/problem_steps.js";
import { sendMessage } from "../ui/send_message.js";
import { addressLink, codeView, connectForm, nextStatus, phaseOf, statusText } from "../ui/connect_form.js";
import { h } from "../ui/dom.js";
import { t, tCount, sayRetry, sayRole, formatDateTime } from "../ui/i18n.js";
import { recordAge } from "../ui/record_age.js";

/** @typedef {import("../lib/server/connection.js").ConnectionStatus} ConnectionStatus */
/** @typedef {import("../lib/types.js").Problem} Problem */

const outcome = h("div", { id: "outcome", role: "status", "aria-live": "polite" });
const card = h("section", { class: "card", "aria-labelledby": "connection-title" });
/** Raised with every drawing, so that a late answer to an old one changes nothing. */
let drawing = 0;
/** What else depends on the connection. @type {() => void} */
let changed = () => undefined;

/** @param {() => void} whenChanged */
export async function connectionCard(whenChanged) {
  changed = whenChanged;
  const first = await sendMessage("connection_status");
  if (!first.ok) showProblem(first.problem);
  else if (first.data.connected) void test(first.data);
  else draw(first.data);
  return card;
}

/** @param {ConnectionStatus} status @param {{broken?: boolean}} [how] broken: the last test went wrong */
function draw(status, { broken = false } = {}) {
  drawing += 1;
  const mine = drawing;
  const current = () => drawing === mine;
  if (status.connected) {
    fill(t(broken ? "connection_broken" : "connected"), facts(status), outcome, connectedButtons(status));
    return void nextStatus(status, current).then((next) => next && (next.connected ? draw(next, { broken }) : arrive(next)));
  }
  const waiting = phaseOf(status) === "waiting";
  const typing = waiting ? drawCode(status) : drawForm(status, current);
  return void nextStatus(status, current, typing).then((next) => next && arrive(next));
}

/** @param {ConnectionStatus} status that came about while the page was open */
function arrive(status) {
  outcome.replaceChildren();
  draw(status);
  if (!status.connected) return changed();
  document.getElementById("test")?.focus();
  return void test(status).then(changed);
}

/** @param {string} title @param {...import("../ui/dom.js").Children} content */
function fill(title, ...content) {
  const at = card.contains(document.activeElement) ? document.activeElement?.id : "";
  card.replaceChildren(h("h2", { id: "connection-title" }, title), ...h("div", {}, ...content).childNodes);
  if (at) document.getElementById(at)?.focus();
}

/** @param {ConnectionStatus} status */
function drawCode(status) {
  const { title, text } = statusText(status);
  const cancel = () => void sendMessage("pair_cancel").then((answer) => answer.ok && arrive(answer.data));
  fill(title, h("p", {}, text), codeView(status), outcome,
    h("div", { class: "row" },
      h("button", { type: "button", id: "reopen", class: "button first", on: { click: () => void sendMessage("pair_again") } }, t("pairing_reopen")),
      h("button", { type: "button", id: "cancel", class: "button", on: { click: cancel } }, t("cancel"))));
  return () => false;
}

/** @param {ConnectionStatus} status @param {() => boolean} current */
function drawForm(status, current) {
  const fresh = phaseOf(status) === "new";
  const { title, text, tone } = statusText(status);
  const form = connectForm(status, (answer) => {
    if (!current()) return;
    if ("status" in answer) arrive(answer.status);
    else if (answer.words) showOutcome("stop", answer.words);
    else showOutcome("info", t("connecting"));
  });
  fill(fresh ? t("connect_title") : title, h("p", fresh ? { class: "muted" } : { class: `notice ${tone}` }, fresh ? t("connect_text") : text),
    form.element, outcome, h("div", { class: "row" }, form.button, addressLink(status)));
  return form.touched;
}

/** @param {ConnectionStatus} status */
async function test(status) {
  draw(status);
  showOutcome("info", t("testing"));
  const answer = await sendMessage("test");
  if (answer.ok) {
    draw(answer.data);
    return showOutcome("good", t("connection_works"));
  }
  const now = await sendMessage("connection_status");
  if (now.ok && !now.data.connected) return arrive(now.data);
  draw(status, { broken: true });
  showProblem(answer.problem);
  if (seenAtAddress(answer.problem)) outcome.append(openAddress(status.server ?? ""));
}

/**
 * The permission may have been taken back: asking for one that is there disturbs no one.
 * @param {ConnectionStatus} status
 */
function testPressed(status) {
  const granted = chrome.permissions.request({ origins: parseServer(status.server ?? "")?.origins ?? [] });
  void granted.catch(() => false).then(() => test(status));
}

/** @param {ConnectionStatus} status */
async function disconnect(status) {
  showOutcome("info", t("disconnecting"));
  const answer = await sendMessage("disconnect");
  if (!answer.ok) return showProblem(answer.problem);
  arrive(answer.data);
  document.getElementById("connect")?.focus();
  return answer.data.server_ended ? showOutcome("info", t("disconnected")) : showOutcome("caution", t("disconnected_untold", status.device ?? ""));
}

/** @param {ConnectionStatus} status */
function connectedButtons(status) {
  return h(
    "div",
    { class: "row" },
    h("button", { type: "button", id: "test", class: "button", on: { click: () => testPressed(status) } }, t("test_connection")),
    h("button", { type: "button", id: "disconnect", class: "button", on: { click: () => void disconnect(status) } }, t("disconnect")),
  );
}

/**
 * What is connected with what, and as whom.
 * @param {ConnectionStatus} status
 */
function facts({ server, workspace, person, device }) {
  /** @type {[string, string, string?][]} */
  const rows = [[t("server_address"), server ?? ""]];
  if (workspace) rows.push([t("workspace"), workspace.name]);
  if (person) rows.push([t("person"), `${person.name}, ${sayRole(person.role)}`, sayRole(person.role, "may")]);
  if (device) rows.push([t("this_browser"), device]);
  if (workspace) {
    const { mirror } = workspace;
    rows.push([t("records"), t("records_text", tCount("customers", mirror.customers), tCount("suppliers", mirror.suppliers))]);
    const copied = mirror.syncing ? t("copying_now") : formatDateTime(mirror.synced_at) || t("never");
    rows.push([t("last_copied"), recordAge(workspace) || copied]);
  }
  return [
    workspace?.commusoft.sandbox ? h("p", { class: "sandbox" }, t("sandbox")) : null,
    h("dl", { class: "facts" }, rows.flatMap(([term, words, more]) => [h("dt", {}, term), h("dd", {}, words, more && h("span", { class: "more" }, more))])),
  ];
}

/**
 * @param {"good" | "info" | "caution" | "stop"} tone
 * @param {string} words
 */
function showOutcome(tone, words) {
  outcome.replaceChildren(h("div", { class: `notice ${tone}` }, words));
}

/** @param {string} server */
function openAddress(server) {
  return h("p", { class: "row" }, h("a", { class: "button", href: server, target: "_blank", rel: "noreferrer noopener" }, t("open_address")));
}

/** @param {Problem} problem */
function showProblem(problem) {
  const name = KNOWN_TYPES.includes(problem.type) ? problem.type.replaceAll("-", "_") : "general";
  const when = problem.retry_after === null ? "" : ` ${sayRetry(problem.retry_after)}`;
  showOutcome("stop", `${t(`trouble_${name}`)}. ${problem.detail || t(`trouble_${name}_text`)}${when}`);
}
