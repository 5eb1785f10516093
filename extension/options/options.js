// @ts-check
// The settings: which server, the token once, and the shortcut. The token goes to the background and never comes back.

import { parseServer, parseToken } from "../lib/session.js";
import { KNOWN_TYPES } from "../lib/trouble.js";
import { ask } from "../ui/ask.js";
import { h } from "../ui/dom.js";
import { say, sayCount, sayWhen } from "../ui/words.js";
import { drawOnPage, onPageCard } from "./onpage.js";
import { shortcutCard } from "./shortcut.js";

/** @typedef {import("../lib/session.js").Standing} Standing */
/** @typedef {import("../lib/types.js").Problem} Problem */

const USUAL = "http://127.0.0.1:8787";

const outcome = h("div", { id: "outcome", role: "status", "aria-live": "polite" });
const connection = h("section", { class: "card", "aria-labelledby": "connection-title" });
/** @type {Standing} */
let standing = { connected: false, server: null, workspace: null };
/** Whether the last test went wrong. */
let broken = false;

document.body.append(
  h("header", { class: "brand" }, h("img", { src: "../icons/48.png", alt: "", width: "40", height: "40" }), h("h1", {}, say("settings_title"))),
  h("main", {}, connection, onPageCard(), await shortcutCard()),
);

const first = await ask("standing");
if (first.ok) standing = first.data;
draw();
if (standing.connected) await test();
await drawOnPage();

function draw() {
  connection.replaceChildren(
    h("h2", { id: "connection-title" }, say(heading())),
    ...(standing.connected ? facts() : [h("p", { class: "muted" }, say("connect_text"))]),
    outcome,
    standing.connected ? connectedButtons() : form(),
  );
}

function heading() {
  if (!standing.connected) return "connect_title";
  return broken ? "connection_broken" : "connected";
}

function form() {
  const server = h("input", { id: "server", type: "text", inputmode: "url", autocomplete: "off", spellcheck: "false", value: standing.server ?? USUAL, on: { input: remark }, "aria-describedby": "server-remark" });
  const token = h("input", { id: "token", type: "password", autocomplete: "off", spellcheck: "false", placeholder: "crm_…", "aria-describedby": "token-remark" });
  const plain = h("p", { id: "server-remark", class: "muted" });

  function remark() {
    plain.textContent = parseServer(server.value)?.plain ? say("address_plain") : say("address_hint");
  }

  function pressed() {
    const address = parseServer(server.value);
    if (!address) return refuse(server, say("address_malformed"));
    if (!parseToken(token.value)) return refuse(token, say("token_malformed"));
    // First of all: a browser grants this only while the click lasts.
    const granted = chrome.permissions.request({ origins: address.origins });
    void connect(granted, address.server, token);
    return undefined;
  }

  remark();
  return h(
    "form",
    { on: { submit: (event) => event.preventDefault() } },
    h("div", { class: "field" }, h("label", { for: "server" }, say("server_address")), server, plain),
    h("div", { class: "field" }, h("label", { for: "token" }, say("token")), token, h("p", { id: "token-remark", class: "muted" }, say("token_hint"))),
    h("div", { class: "row" }, h("button", { type: "submit", id: "connect", class: "button first", on: { click: pressed } }, say("connect"))),
  );
}

/**
 * @param {HTMLInputElement} field
 * @param {string} words
 */
function refuse(field, words) {
  tell("stop", words);
  field.focus();
}

/**
 * @param {Promise<boolean>} granted
 * @param {string} server
 * @param {HTMLInputElement} token
 */
async function connect(granted, server, token) {
  if (!(await granted.catch(() => false))) return tell("stop", say("permission_refused"));
  tell("info", say("connecting"));
  const answer = await ask("connect", { server, token: token.value });
  token.value = "";
  if (!answer.ok) return tellProblem(answer.problem);
  standing = answer.data;
  broken = false;
  draw();
  document.getElementById("test")?.focus();
  void drawOnPage();
  return tell("good", say("connection_works"));
}

async function test() {
  tell("info", say("testing"));
  const answer = await ask("test");
  broken = !answer.ok;
  if (answer.ok) standing = answer.data;
  draw();
  if (answer.ok) return tell("good", say("connection_works"));
  // A token that the server refuses is of no more use: ask for another at once.
  if (answer.problem.type === "token-refused") connection.append(form());
  return tellProblem(answer.problem);
}

/** The permission may have been taken back: asking for one that is there disturbs nobody. */
function testPressed() {
  const granted = chrome.permissions.request({ origins: parseServer(standing.server ?? "")?.origins ?? [] });
  void granted.catch(() => false).then(test);
}

async function disconnect() {
  const origins = parseServer(standing.server ?? "")?.origins ?? [];
  const answer = await ask("disconnect");
  if (!answer.ok) return tellProblem(answer.problem);
  standing = answer.data;
  // Not kept by every browser's rules (a policy may have granted it): leaving it is no failure.
  await chrome.permissions.remove({ origins }).catch(() => false);
  draw();
  document.getElementById("token")?.focus();
  void drawOnPage();
  return tell("info", say("disconnected"));
}

function connectedButtons() {
  return h(
    "div",
    { class: "row" },
    h("button", { type: "button", id: "test", class: "button", on: { click: testPressed } }, say("test_connection")),
    h("button", { type: "button", id: "disconnect", class: "button", on: { click: () => void disconnect() } }, say("disconnect")),
  );
}

/** What is connected with what. */
function facts() {
  const { workspace, server } = standing;
  const rows = [[say("server_address"), server ?? ""]];
  if (workspace) {
    const { mirror, device } = workspace;
    rows.push([say("workspace"), workspace.name], [say("this_browser"), device.name]);
    rows.push([say("records"), say("records_text", sayCount("customers", mirror.customers), sayCount("suppliers", mirror.suppliers))]);
    rows.push([say("last_copied"), mirror.syncing ? say("copying_now") : sayWhen(mirror.synced_at) || say("never")]);
  }
  return [
    workspace?.commusoft.sandbox ? h("p", { class: "sandbox" }, say("sandbox")) : "",
    h("dl", { class: "facts" }, rows.flatMap(([term, words]) => [h("dt", {}, term), h("dd", {}, words)])),
  ];
}

/**
 * @param {"good" | "info" | "stop"} tone
 * @param {string} words
 */
function tell(tone, words) {
  outcome.replaceChildren(h("div", { class: `notice ${tone}` }, words));
}

/** @param {Problem} problem */
function tellProblem(problem) {
  const name = KNOWN_TYPES.includes(problem.type) ? problem.type.replaceAll("-", "_") : "general";
  const words = `${say(`trouble_${name}`)}. ${problem.detail || say(`trouble_${name}_text`)}`;
  tell("stop", words);
}
