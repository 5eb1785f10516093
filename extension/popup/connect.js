// @ts-check
// The popup of a browser that is not connected: connecting, and why an earlier connection is no more.

import { addressLink, codeView, connectForm, nextStanding, phaseOf, statusText } from "../ui/connect_form.js";
import { sendMessage } from "../ui/send_message.js";
import { h } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { button, headline, notice } from "./components.js";

/** @typedef {import("./app.js").PopupController} App */
/** @typedef {import("../lib/server/connection.js").ConnectionStatus} Standing */

/**
 * @param {App} app
 * @param {Standing} standing
 * @returns {Promise<unknown>}
 */
export async function showConnect(app, standing) {
  const current = app.beginTask();
  if (standing.connected) return app.start();
  const typing = phaseOf(standing) === "waiting" ? showCode(app, standing) : showForm(app, standing, current);
  const next = await nextStanding(standing, current, typing);
  return next && showConnect(app, next);
}

/**
 * @param {App} app
 * @param {Standing} standing
 */
function showCode(app, standing) {
  const { name, title, text } = statusText(standing);
  app.stage.show({
    name,
    body: [headline("plug", "info", title), h("p", {}, text), codeView(standing)],
    actions: [
      button(t("cancel"), () => void change(app, "pair_cancel")),
      button(t("pairing_reopen"), () => void sendMessage("pair_again"), { first: true, drawing: "open" }),
    ],
    hear: title,
  });
  return () => false;
}

/**
 * @param {App} app
 * @param {Standing} standing
 * @param {() => boolean} current
 */
function showForm(app, standing, current) {
  const { name, title, text, tone, drawing } = statusText(standing);
  const outcome = h("div", { role: "status", "aria-live": "polite" });
  const form = connectForm(standing, (answer) => {
    if (!current()) return;
    if ("standing" in answer) return void showConnect(app, answer.standing);
    outcome.replaceChildren(answer.words ? notice("stop", answer.words) : notice("info", t("connecting")));
  });
  app.stage.show({
    name,
    body: [headline(drawing, tone, title), h("p", {}, text), form.element, outcome],
    actions: [addressLink(standing), form.button],
    focusStep: true,
    hear: `${title}. ${text}`,
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
