// @ts-check
// Connecting to a server, as the popup and the settings show it: where, the code to compare, and how it ended.

import { parseServer, DEFAULT_SERVER } from "../lib/server/server_url.js";
import { httpUrl } from "../lib/linking/ranking.js";
import { seenAtAddress } from "../lib/server/problem.js";
import { KNOWN_TYPES } from "../popup/problem_steps.js";
import { sendMessage } from "./send_message.js";
import { h, icon, unseen } from "./dom.js";
import { t, sayRetry } from "./i18n.js";

/** @typedef {import("../lib/server/connection.js").ConnectionStatus} ConnectionStatus */
/** @typedef {import("../lib/types.js").Problem} Problem */
/** @typedef {"waiting" | "denied" | "over" | "failed" | "ended" | "new"} Phase */

/** Milliseconds between two looks of a page; the background asks the server by itself. */
const POLL_MS = { waiting: 500, idle: 2_000 };
const FORM = "connect-form";
const ENDINGS = ["device-revoked", "device-expired", "token-reused", "key-lost"];

/**
 * @param {ConnectionStatus} status of a browser that is not connected
 * @returns {Phase}
 */
export function phaseOf({ pairing, ended }) {
  if (pairing && pairing.state !== "wanted") return pairing.state;
  return ended ? "ended" : "new";
}

/**
 * What is to be said of a phase.
 * @param {ConnectionStatus} status
 * @returns {{name: string, title: string, text: string, tone: "info" | "caution", drawing: "plug" | "clock" | "caution"}}
 */
export function statusText(status) {
  const phase = phaseOf(status);
  if (phase === "failed") return failureText(status.pairing?.problem ?? null);
  if (phase === "ended") return endingText(status);
  const words = { waiting: "pairing", denied: "pairing_denied", over: "pairing_over", new: "not_connected" }[phase];
  const name = words.replaceAll("_", "-");
  const drawing = phase === "over" ? "clock" : "plug";
  return { name, title: t(words), text: t(`${words}_text`), tone: phase === "denied" || phase === "over" ? "caution" : "info", drawing };
}

/** @param {Problem | null} problem */
function failureText(problem) {
  const name = problem && KNOWN_TYPES.includes(problem.type) ? problem.type.replaceAll("-", "_") : "general";
  const when = problem?.retry_after == null ? "" : ` ${sayRetry(problem.retry_after)}`;
  return { name: "pairing-failed", title: t(`trouble_${name}`), text: t(`trouble_${name}_text`) + when, tone: /** @type {const} */ ("caution"), drawing: /** @type {const} */ ("caution") };
}

/**
 * The way to see in a tab what is at the address that could not be connected to.
 * @param {ConnectionStatus} status
 */
export function addressLink({ pairing }) {
  const { state = null, problem = null, server = "" } = pairing ?? {};
  const address = state === "failed" && problem && seenAtAddress(problem) ? httpUrl(server) : null;
  return address && h("a", { class: "button", href: address, target: "_blank", rel: "noreferrer noopener" }, icon("open"), t("open_address"));
}

/** @param {ConnectionStatus} status */
function endingText({ ended }) {
  const known = ENDINGS.find((one) => one === ended?.type)?.replaceAll("-", "_") ?? "unknown";
  return { name: `ended-${ended?.type}`, title: t(`ended_${known}`), text: t(`ended_${known}_text`), tone: /** @type {const} */ ("info"), drawing: /** @type {const} */ ("plug") };
}

/**
 * The code, large for the eye and letter by letter for the ear.
 * @param {ConnectionStatus} status
 */
export function codeView({ pairing }) {
  const { code = "", problem = null } = pairing ?? {};
  return h(
    "div",
    { class: "pairing" },
    h("p", { class: "code" }, h("span", { "aria-hidden": "true" }, code), unseen(t("pairing_spelled", spelled(code)))),
    h("p", { class: "muted waits" }, icon("clock"), t(problem ? "pairing_unheard" : "pairing_waits")),
  );
}

/**
 * @param {string} code
 * @returns {string} "B, C, D, F, G, H, J, K": a dash only helps the eye
 */
export function spelled(code) {
  return [...code.replaceAll("-", "")].join(", ");
}

/**
 * @typedef {object} Form
 * @property {HTMLFormElement} element
 * @property {HTMLButtonElement} button to put in the form, or elsewhere on the page
 * @property {() => boolean} touched whether the person typed an address
 */

/**
 * The form that connects.
 * @param {ConnectionStatus} status
 * @param {(answer: {status: ConnectionStatus} | {words: string}) => void} then what came of it, or words on why nothing did
 * @returns {Form}
 */
export function connectForm(status, then) {
  const { policy, ended, pairing } = status;
  const chosen = pairing?.server ?? status.last;
  const address = (policy?.only ? null : chosen) ?? policy?.server ?? DEFAULT_SERVER;
  const field = h("input", { id: "server", type: "text", inputmode: "url", autocomplete: "off", spellcheck: "false", value: address, "aria-describedby": "server-remark", on: { input: remark } });
  const note = h("p", { id: "server-remark", class: "muted" });
  const typed = h("div", { class: "field" }, h("label", { for: "server" }, t("server_address")), field, note);
  const set = policy?.server === address ? setAddress(policy, () => element.replaceChild(typed, set)) : typed;
  const button = h("button", { type: "submit", id: "connect", form: FORM, class: "button first", on: { click: pressed } }, t(ended || pairing ? "connect_again" : "connect"));
  const element = h("form", { id: FORM, class: "connect", on: { submit: (event) => event.preventDefault() } }, set);

  function remark() {
    note.textContent = parseServer(field.value)?.plain ? t("address_plain") : t("address_hint");
  }

  function pressed() {
    const wanted = parseServer(field.value);
    if (!wanted) {
      then({ words: t("address_malformed") });
      return field.focus();
    }
    // First of all: a browser grants this only while the click lasts. Its question may close this page, so the
    // background learns at once what it is for.
    const granted = chrome.permissions.request({ origins: wanted.origins }).catch(() => false);
    void connect(wanted.server, granted, sendMessage("pair", { server: wanted.server }));
  }

  /**
   * @param {string} server
   * @param {Promise<boolean>} granted
   * @param {Promise<unknown>} noted
   */
  async function connect(server, granted, noted) {
    then({ words: "" });
    await noted;
    if (!(await granted)) {
      await sendMessage("pair_cancel");
      return then({ words: t("permission_refused") });
    }
    const answer = await sendMessage("pair", { server });
    return then(answer.ok ? { status: answer.data } : { words: failureWords(answer.problem) });
  }

  remark();
  return { element, button, touched: () => field.value !== address };
}

/**
 * An address that the office has set.
 * @param {import("../lib/server/managed_policy.js").Policy} policy
 * @param {() => void} other
 */
function setAddress(policy, other) {
  return h(
    "div",
    { class: "field" },
    h("p", { class: "field-name" }, t("server_address")),
    h("p", { class: "set-address" }, policy.server),
    h("p", { class: "muted" }, t("address_set"), " ", !policy.only && h("button", { type: "button", class: "inline", on: { click: other } }, t("address_other"))),
  );
}

/** @param {Problem} problem */
function failureWords(problem) {
  if (problem.type === "server-not-allowed") return t("address_not_allowed");
  return problem.type === "address-malformed" ? t("address_malformed") : failureText(problem).text;
}

/**
 * Poll the state until it changes.
 * @param {ConnectionStatus} status
 * @param {() => boolean} goOn
 * @param {() => boolean} [typing] whether the person would lose what they typed
 * @returns {Promise<ConnectionStatus | null>} null when the page goes on to something else
 */
export async function nextStatus(status, goOn, typing = () => false) {
  const before = JSON.stringify(status);
  const phase = phaseOf(status);
  while (goOn()) {
    await new Promise((resolve) => setTimeout(resolve, phase === "waiting" ? POLL_MS.waiting : POLL_MS.idle));
    if (phase !== "waiting" && document.hidden) continue;
    const answer = await sendMessage("connection_status");
    if (!goOn() || !answer.ok || JSON.stringify(answer.data) === before) continue;
    if (answer.data.connected || phaseOf(answer.data) !== phase || !typing()) return answer.data;
  }
  return null;
}
