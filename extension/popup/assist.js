// @ts-check
// A link that a person finishes on Commusoft's own page: the way there, and giving it up.

import { sendMessage } from "../ui/send_message.js";
import { h } from "../ui/dom.js";
import { t, formatDateTime } from "../ui/i18n.js";
import { button, headline, openLink, recordCard, referenceChange } from "./components.js";

/** @typedef {import("./app.js").PopupController} App */
/** @typedef {import("../lib/types.js").Link} Link */

/**
 * Go to the record's page; where the popup is on it already, the panel opens there.
 * @param {App} app
 * @param {Link} link
 */
export async function openAssist(app, link) {
  const current = app.beginTask();
  showAssist(app, link, null);
  const here = app.view?.place?.page === "record";
  const answer = await sendMessage(here ? "assist_here" : "assist_open", here ? { tab: app.tab } : { link: link.id });
  if (!current()) return;
  if (!answer.ok) return app.trouble(answer.problem);
  if (answer.data.assisted && here) return window.close();
  showAssist(app, link, answer.data.assisted);
}

/**
 * @param {App} app
 * @param {Link} link
 * @param {boolean | null} assisted whether our panel is on the page; null where the page was not opened just now
 */
export function showAssist(app, link, assisted) {
  const text = assisted === false ? "assist_open_text" : "assist_kept_text";
  app.stage.show({
    name: "assist",
    body: [
      headline("clock", "info", t("assist_kept")),
      h("p", {}, t(text, link.record.label)),
      recordCard(link.record),
      referenceChange(link.prior_reference, link.reference),
      link.failure?.detail && h("p", {}, link.failure.detail),
      h("p", { class: "muted" }, t("waiting_since", formatDateTime(link.created_at), link.by)),
    ],
    actions: [
      button(t("assist_withdraw"), () => void withdraw(app, link)),
      assisted === false ? openLink(link.record.page_url, t("open_in_commusoft"), true) : button(t("assist_continue"), () => void openAssist(app, link), { first: true, drawing: "open" }),
    ],
    focusStep: true,
    announcement: t("assist_kept"),
  });
}

/**
 * @param {App} app
 * @param {Link} link
 */
async function withdraw(app, link) {
  const current = app.beginTask();
  const answer = await sendMessage("withdraw", { link: link.id });
  if (!current()) return;
  if (!answer.ok) return app.trouble(answer.problem);
  app.announce(t("assist_withdrawn"));
  void app.start();
}
