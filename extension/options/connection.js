// @ts-check
// The settings' card about the connection: connecting, what is connected with what, and disconnecting.

import { parseServer } from "../lib/server/server_url.js";
import { seenAtAddress } from "../lib/server/problem.js";
import { KNOWN_TYPES } from "../popup/problem_steps.js";
import { sendMessage } from "../ui/send_message.js";
import { addressLink, codeView, connectForm, nextStanding, phaseOf, statusText } from "../ui/connect_form.js";
import { h } from "../ui/dom.js";
import { t, tCount, sayRetry, sayRole, formatDateTime } from "../ui/i18n.js";
import { recordAge } from "../ui/record_age.js";

/** @typedef {import("../lib/server/connection.js").ConnectionStatus} Standing */
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
  const first = await sendMessage("standing");
  if (!first.ok) tellProblem(first.problem);
  else if (first.data.connected) void test(first.data);
  else draw(first.data);
  return card;
}

/** @param {Standing} standing @param {{broken?: boolean}} [how] broken: the last test went wrong */
function draw(standing, { broken = false } = {}) {
  drawing += 1;
  const mine = drawing;
  const current = () => drawing === mine;
  if (standing.connected) {
    fill(t(broken ? "connection_broken" : "connected"), facts(standing), outcome, connectedButtons(standing));
    return void nextStanding(standing, current).then((next) => next && (next.connected ? draw(next, { broken }) : arrive(next)));
  }
  const waiting = phaseOf(standing) === "waiting";
  const typing = waiting ? drawCode(standing) : drawForm(standing, current);
  return void nextStanding(standing, current, typing).then((next) => next && arrive(next));
}

/** @param {Standing} standing that came about while the page was open */
function arrive(standing) {
  outcome.replaceChildren();
  draw(standing);
  if (!standing.connected) return changed();
  document.getElementById("test")?.focus();
  return void test(standing).then(changed);
}

/** @param {string} title @param {...import("../ui/dom.js").Children} content */
function fill(title, ...content) {
  const at = card.contains(document.activeElement) ? document.activeElement?.id : "";
  card.replaceChildren(h("h2", { id: "connection-title" }, title), ...h("div", {}, ...content).childNodes);
  if (at) document.getElementById(at)?.focus();
}

/** @param {Standing} standing */
function drawCode(standing) {
  const { title, text } = statusText(standing);
  const cancel = () => void sendMessage("pair_cancel").then((answer) => answer.ok && arrive(answer.data));
  fill(title, h("p", {}, text), codeView(standing), outcome,
    h("div", { class: "row" },
      h("button", { type: "button", id: "reopen", class: "button first", on: { click: () => void sendMessage("pair_again") } }, t("pairing_reopen")),
      h("button", { type: "button", id: "cancel", class: "button", on: { click: cancel } }, t("cancel"))));
  return () => false;
}

/** @param {Standing} standing @param {() => boolean} current */
function drawForm(standing, current) {
  const fresh = phaseOf(standing) === "new";
  const { title, text, tone } = statusText(standing);
  const form = connectForm(standing, (answer) => {
    if (!current()) return;
    if ("standing" in answer) arrive(answer.standing);
    else if (answer.words) tell("stop", answer.words);
    else tell("info", t("connecting"));
  });
  fill(fresh ? t("connect_title") : title, h("p", fresh ? { class: "muted" } : { class: `notice ${tone}` }, fresh ? t("connect_text") : text),
    form.element, outcome, h("div", { class: "row" }, form.button, addressLink(standing)));
  return form.touched;
}

/** @param {Standing} standing */
async function test(standing) {
  draw(standing);
  tell("info", t("testing"));
  const answer = await sendMessage("test");
  if (answer.ok) {
    draw(answer.data);
    return tell("good", t("connection_works"));
  }
  const now = await sendMessage("standing");
  if (now.ok && !now.data.connected) return arrive(now.data);
  draw(standing, { broken: true });
  tellProblem(answer.problem);
  if (seenAtAddress(answer.problem)) outcome.append(openAddress(standing.server ?? ""));
}

/**
 * The permission may have been taken back: asking for one that is there disturbs no one.
 * @param {Standing} standing
 */
function testPressed(standing) {
  const granted = chrome.permissions.request({ origins: parseServer(standing.server ?? "")?.origins ?? [] });
  void granted.catch(() => false).then(() => test(standing));
}

/** @param {Standing} standing */
async function disconnect(standing) {
  tell("info", t("disconnecting"));
  const answer = await sendMessage("disconnect");
  if (!answer.ok) return tellProblem(answer.problem);
  arrive(answer.data);
  document.getElementById("connect")?.focus();
  return answer.data.server_ended ? tell("info", t("disconnected")) : tell("caution", t("disconnected_untold", standing.device ?? ""));
}

/** @param {Standing} standing */
function connectedButtons(standing) {
  return h(
    "div",
    { class: "row" },
    h("button", { type: "button", id: "test", class: "button", on: { click: () => testPressed(standing) } }, t("test_connection")),
    h("button", { type: "button", id: "disconnect", class: "button", on: { click: () => void disconnect(standing) } }, t("disconnect")),
  );
}

/**
 * What is connected with what, and as whom.
 * @param {Standing} standing
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
function tell(tone, words) {
  outcome.replaceChildren(h("div", { class: `notice ${tone}` }, words));
}

/** @param {string} server */
function openAddress(server) {
  return h("p", { class: "row" }, h("a", { class: "button", href: server, target: "_blank", rel: "noreferrer noopener" }, t("open_address")));
}

/** @param {Problem} problem */
function tellProblem(problem) {
  const name = KNOWN_TYPES.includes(problem.type) ? problem.type.replaceAll("-", "_") : "general";
  const when = problem.retry_after === null ? "" : ` ${sayRetry(problem.retry_after)}`;
  tell("stop", `${t(`trouble_${name}`)}. ${problem.detail || t(`trouble_${name}_text`)}${when}`);
}
