// @ts-check
// The popup of a browser that is not connected: connecting, and why an earlier connection is no more.

import { addressLink, codeView, connectForm, nextStatus, phaseOf, statusText } from "../ui/connect_form.js";
import { sendMessage } from "../ui/send_message.js";
import { h } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { button, headline, notice } from "./components.js";

/** @typedef {import("./app.js").PopupController} App */
/** @typedef {import("../lib/server/connection.js").ConnectionStatus} ConnectionStatus */

/**
 * @param {App} app
 * @param {ConnectionStatus} status
 * @returns {Promise<unknown>}
 */
export async function showConnect(app, status) {
  const current = app.beginTask();
  if (status.connected) return app.start();
  const typing = phaseOf(status) === "waiting" ? showCode(app, status) : showForm(app, status, current);
  const next = await nextStatus(status, current, typing);
  return next && showConnect(app, next);
}

/**
 * @param {App} app
 * @param {ConnectionStatus} status
 */
function showCode(app, status) {
  const { name, title, text } = statusText(status);
  app.stage.show({
    name,
    body: [headline("plug", "info", title), h("p", {}, text), codeView(status)],
    actions: [
      button(t("cancel"), () => void change(app, "pair_cancel")),
      button(t("pairing_reopen"), () => void sendMessage("pair_again"), { first: true, drawing: "open" }),
    ],
    announcement: title,
  });
  return () => false;
}

/**
 * @param {App} app
 * @param {ConnectionStatus} status
 * @param {() => boolean} current
 */
function showForm(app, status, current) {
  const { name, title, text, tone, drawing } = statusText(status);
  const outcome = h("div", { role: "status", "aria-live": "polite" });
  const form = connectForm(status, (answer) => {
    if (!current()) return;
    if ("status" in answer) return void showConnect(app, answer.status);
    outcome.replaceChildren(answer.words ? notice("stop", answer.words) : notice("info", t("connecting")));
  });
  app.stage.show({
    name,
    body: [headline(drawing, tone, title), h("p", {}, text), form.element, outcome],
    actions: [addressLink(status), form.button],
    focusStep: true,
    announcement: `${title}. ${text}`,
  });
  return form.touched;
}

/**
 * @param {App} app
 * @param {string} message
 */
async function change(app, message) {
  const answer = await sendMessage(message);
  if (answer.ok) void showConnect(app, answer.data);
}
