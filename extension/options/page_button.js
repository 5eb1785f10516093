// @ts-check
// The button on the packages' own pages, and working on Commusoft's: off until a person switches it on, one by one.

import { requiredPermissions } from "../lib/linking/consent.js";
import { COMMUSOFT } from "../lib/page/record_page.js";
import { sendMessage } from "../ui/send_message.js";
import { h } from "../ui/dom.js";
import { t } from "../ui/i18n.js";

/** @typedef {import("../lib/linking/page_button.js").Switch} Switch */

/** Known before the click: a browser grants nothing after a pause. */
const held = await chrome.permissions.getAll();
const list = h("ul", { class: "switches" });
const outcome = h("div", { role: "status", "aria-live": "polite", class: "outcome" });
const commusoftList = h("ul", { class: "switches" });
const commusoftOutcome = h("div", { role: "status", "aria-live": "polite", class: "outcome" });
const commusoftCard = h(
  "section",
  { class: "card", "aria-labelledby": "commusoft-title", hidden: true },
  h("h2", { id: "commusoft-title" }, t("work_title")),
  h("p", { class: "muted" }, t("work_text")),
  h("p", { class: "muted" }, t("work_reason")),
  commusoftList,
  commusoftOutcome,
);
const card = h(
  "section",
  { class: "card", "aria-labelledby": "on-page-title", hidden: true },
  h("h2", { id: "on-page-title" }, t("on_page_title")),
  h("p", { class: "muted" }, t("on_page_text")),
  h("p", { class: "muted" }, t("on_page_reason")),
  list,
  outcome,
);

/** The cards, which show themselves once something is known to switch. */
export function onPageCards() {
  return [commusoftCard, card];
}

/** As things are now: after connecting and disconnecting too. */
export async function drawOnPage() {
  const answer = await sendMessage("on_page");
  /** @type {Switch[]} */
  const switches = answer.ok ? answer.data : [];
  const [commusoft, packages] = [switches.filter(isCommusoft), switches.filter((one) => !isCommusoft(one))];
  commusoftCard.hidden = commusoft.length === 0;
  commusoftList.replaceChildren(...commusoft.map(line));
  card.hidden = packages.length === 0;
  list.replaceChildren(...packages.map(line));
}

/** @param {Pick<Switch, "package">} one */
const isCommusoft = (one) => one.package === COMMUSOFT;

/** @param {Switch} one */
function line(one) {
  const id = `on-page-${one.package}`;
  const hosts = one.origins.map((origin) => origin.replace(/^https?:\/\/|\/\*$/g, "")).join(", ");
  const button = h(
    "button",
    { type: "button", id, class: "toggle", role: "switch", "aria-checked": String(one.on), "aria-labelledby": `${id}-name`, on: { click: () => pressed(one) } },
    h("span", { "aria-hidden": "true" }, t(one.on ? "is_on" : "is_off")),
  );
  return h(
    "li",
    { class: "switch" },
    h("div", {}, h("p", { class: "switch-name", id: `${id}-name` }, one.name), h("p", { class: "muted" }, hosts), one.stale && h("p", { class: "muted" }, t("on_page_stale"))),
    button,
  );
}

/** @param {Switch} one */
function pressed(one) {
  // First of all: a browser grants this only while the click lasts.
  const granted = one.on ? Promise.resolve(true) : chrome.permissions.request(requiredPermissions(one.origins, held));
  void change(one, granted);
}

/**
 * @param {Switch} one
 * @param {Promise<boolean>} granted
 */
async function change(one, granted) {
  if (!(await granted.catch(() => false))) return showOutcome(one, "stop", t(isCommusoft(one) ? "work_refused" : "on_page_refused"));
  const answer = await sendMessage(one.on ? "on_page_off" : "on_page_on", { package: one.package });
  await drawOnPage();
  document.getElementById(`on-page-${one.package}`)?.focus();
  if (!answer.ok) return showOutcome(one, "stop", t("on_page_failed"));
  if (isCommusoft(one)) return showOutcome(one, "good", t(one.on ? "work_is_off" : "work_is_on"));
  return showOutcome(one, "good", t(one.on ? "on_page_is_off" : "on_page_is_on", one.name));
}

/**
 * @param {Switch} one
 * @param {"good" | "stop"} tone
 * @param {string} words
 */
function showOutcome(one, tone, words) {
  (isCommusoft(one) ? commusoftOutcome : outcome).replaceChildren(h("div", { class: `notice ${tone}` }, words));
}
