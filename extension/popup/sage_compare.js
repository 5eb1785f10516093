// @ts-check
// From a record's popup to its form beside Sage's details.

import { needsExactMatch } from "../lib/linking/sage_exact_match.js";
import { sendMessage } from "../ui/send_message.js";
import { t } from "../ui/i18n.js";
import { button } from "./components.js";

/** @typedef {import("./app.js").PopupController} App */

/**
 * Null where nothing is to be compared.
 * @param {App} app
 * @param {import("../lib/types.js").Link | null} link of the record
 */
export function compareButton(app, link) {
  if (!link || !needsExactMatch(link.package) || !link.differences?.length) return null;
  return button(t("sage_compare"), () => void compare(app));
}

/** @param {App} app */
async function compare(app) {
  const answer = await sendMessage("sage_compare", { tab: app.tab });
  if (!answer.ok) return app.trouble(answer.problem);
  return window.close();
}
