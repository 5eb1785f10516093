// @ts-check
// Screens while something is being asked or written.

import { h } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { contactCard, skeleton } from "./components.js";

/** @typedef {import("./app.js").PopupController} App */

/** @param {App} app */
export function showLoading(app) {
  const bones = h("div", { class: "bones contact-bones", "aria-hidden": "true" }, h("i", { class: "bone w30" }), h("i", { class: "bone tall w60" }), h("i", { class: "bone w80" }));
  app.stage.show({
    name: "loading",
    body: [h("h1", { class: "unseen", tabindex: "-1" }, t("loading")), bones, skeleton()],
    announcement: t("loading"),
  });
}

/**
 * @param {App} app
 * @param {"linking" | "undoing" | "resuming" | "collecting" | "records_saving"} what
 */
export function showWorking(app, what) {
  app.stage.show({
    name: "working",
    body: [
      h("div", { class: "working" }, h("span", { class: "spinner", "aria-hidden": "true" }), h("h1", { tabindex: "-1" }, t(what)), h("p", { class: "muted" }, t(`${what}_text`))),
      app.place && contactCard(app.place.contact, app.details, app.announce, "p"),
    ],
    announcement: t(what),
  });
}
