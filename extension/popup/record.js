// @ts-check
// On a Commusoft record's own page: the record, its reference, and which contact it is.

import { confidence } from "../lib/linking/ranking.js";
import { sendMessage } from "../ui/send_message.js";
import { h, icon, unseen } from "../ui/dom.js";
import { t, tCount, formatDateTime } from "../ui/i18n.js";
import { openAssist } from "./assist.js";
import { compareButton } from "./sage_compare.js";
import { earlier, otherWays } from "./other_contact.js";
import { button, notice, recordCard, referenceChange, referenceLine } from "./components.js";
import { showLoading } from "./progress.js";

/** @typedef {import("./app.js").PopupController} App */
/** @typedef {import("../lib/types.js").ContactSuggestion} ContactSuggestion */
/** @typedef {import("../lib/linking/record_commands.js").RecordView} RecordView */

/** @param {App} app */
export async function loadRecord(app) {
  showLoading(app);
  const current = app.beginTask();
  const answer = await sendMessage("record", { tab: app.tab });
  if (!current()) return;
  if (!answer.ok) return app.trouble(answer.problem);
  showRecord(app, answer.data);
}

/**
 * @param {App} app
 * @param {RecordView} view
 */
export function showRecord(app, view) {
  const { record, open_link } = view;
  const waits = open_link?.method === "pages" ? open_link : null;
  const chooser = waits || open_link || record.reference ? null : contactChooser(app, view);
  const suggestions = chooser ? [] : othersMay(app, view);
  app.stage.show({
    name: "record",
    body: [
      earlier(app),
      recordCard(record),
      references(app, view),
      linkedBy(view),
      open_link && [notice("info", t(waits ? "record_waits" : "waiting")), referenceChange(open_link.prior_reference, open_link.reference)],
      chooser?.body ?? suggestions,
      view.synced_at && h("p", { class: "muted" }, t("record_as_of", formatDateTime(view.synced_at))),
    ],
    actions: [
      view.link?.can_undo && !open_link && button(t("undo"), () => void app.undo(/** @type {NonNullable<RecordView["link"]>} */ (view.link)), { drawing: "undo" }),
      compareButton(app, open_link ?? view.link),
      waits && button(t("assist_withdraw"), () => void withdraw(app, waits.id)),
      waits && button(t("assist_continue"), () => void openAssist(app, waits), { first: true, drawing: "link" }),
      chooser?.submit,
    ],
    keys: chooser?.keys ?? {},
    enter: chooser?.submit ?? null,
    focus: chooser?.focus() ?? null,
    focusStep: waits !== null,
    announcement: record.label,
  });
}

/** The reference as crmlink has it, and as the page shows it where that is another. @param {App} app @param {RecordView} view */
function references(app, { record, page }) {
  const known = record.reference ? referenceLine(record.reference, app.announce) : h("p", {}, t("record_no_reference"));
  const shown = page?.state === "shown" ? page.value : page?.state === "empty" ? null : undefined;
  if (shown === undefined) return [known, h("p", { class: "muted" }, t("record_page_unknown"))];
  if (shown === (record.reference || null)) return [known, h("p", { class: "muted" }, t(shown ? "record_page_same" : "record_page_none"))];
  return [known, notice("caution", shown ? t("record_page_other") : t("record_page_empty"), " ", shown && h("code", {}, shown))];
}

/** @param {RecordView} view */
function linkedBy({ link, record }) {
  if (link) return h("p", { class: "muted" }, t("record_linked_by", link.contact_name, link.by, formatDateTime(link.settled_at ?? link.created_at)));
  return record.reference ? h("p", { class: "muted" }, t("linked_unknown")) : null;
}

/** A record that has its reference is linked again only in the contact's own popup, or after asking here. @param {App} app @param {RecordView} view */
function othersMay(app, view) {
  if (view.open_link || !view.contacts?.suggestions.length) return [];
  const chooser = contactChooser(app, view);
  return [h("details", { class: "others" }, h("summary", {}, t("record_other_contact")), chooser.body, chooser.submit)];
}

/**
 * @param {App} app
 * @param {RecordView} view
 */
function contactChooser(app, { contacts, refused, record }) {
  const suggestions = contacts?.suggestions ?? [];
  const words = h("span", { class: "button-words" });
  const submit = h("button", { type: "button", class: "button first wide", id: "link", on: { click: decide } }, icon("link"), words, h("kbd", { "aria-hidden": "true" }, t("key_enter")));
  const list = h("div", { class: "options", role: "radiogroup", "aria-labelledby": "contacts-heading" }, suggestions.map((one, at) => option(one, at, at === preselected(suggestions), redraw)));
  const inputs = () => /** @type {HTMLInputElement[]} */ ([...list.querySelectorAll("input")]);
  const chosen = () => suggestions[inputs().findIndex((one) => one.checked)] ?? null;

  function redraw() {
    const one = chosen();
    submit.setAttribute("aria-disabled", String(one === null));
    words.textContent = one ? t("link_with", one.contact.label) : t("choose_a_contact");
  }

  function decide() {
    const one = chosen();
    if (!one) return app.announce(t("choose_a_contact"));
    return void app.decideContact(one, record);
  }

  /** @param {number} at */
  function choose(at) {
    const input = inputs()[Math.min(inputs().length - 1, Math.max(0, at))];
    if (!input) return;
    input.checked = true;
    input.focus();
    redraw();
  }

  redraw();
  const move = (/** @type {number} */ step) => () => choose(inputs().findIndex((one) => one.checked) + step);
  const keys = { ...Object.fromEntries([1, 2, 3, 4, 5].map((n) => [String(n), () => choose(n - 1)])), ArrowDown: move(1), ArrowUp: move(-1) };
  const heading = h("h2", { id: "contacts-heading" }, t(suggestions.length > 0 ? "record_which" : "record_none"));
  const body = suggestions.length > 0 ? [heading, list] : [heading, nothingKnown(contacts?.known ?? 0, refused), otherWays(app)];
  return { body, submit: suggestions.length > 0 ? submit : null, keys: suggestions.length > 0 ? keys : {}, focus: () => inputs().find((one) => one.checked) ?? null };
}

/**
 * How contacts come to be known, where none are, or none fit.
 * @param {number} known
 * @param {import("../lib/types.js").Problem | null} refused
 */
function nothingKnown(known, refused) {
  if (refused) return notice("caution", refused.detail || t("trouble_general_text"));
  return h("p", { class: "muted" }, known === 0 ? t("record_nothing_known") : tCount("record_none_of", known));
}

/** The first contact is chosen where it is likely and clear of the second. @param {ContactSuggestion[]} suggestions */
function preselected([first, second]) {
  if (!first || first.holder || (!first.sure && first.probability < 0.5)) return -1;
  return !first.sure && second && second.probability >= first.probability / 2 ? -1 : 0;
}

/**
 * @param {ContactSuggestion} one
 * @param {number} at
 * @param {boolean} checked
 * @param {() => void} picked
 */
function option(one, at, checked, picked) {
  const { contact, reasons, holder, chosen, list } = one;
  const where = [contact.address, contact.town, contact.postcode].filter(Boolean).join(", ");
  const word = confidence(one);
  const of = holder ?? chosen;
  return h(
    "label",
    { class: "option" },
    h("input", { type: "radio", name: "contact", checked, "aria-labelledby": `contact-${at}`, "aria-describedby": `contact-${at}-more`, on: { change: picked } }),
    h("span", { class: "digit", "aria-hidden": "true" }, String(at + 1)),
    h(
      "span",
      { class: "option-body" },
      h("span", { class: "option-head", id: `contact-${at}` }, h("span", { class: "option-name" }, contact.label), " ", h("span", { class: `likelihood ${word}` }, t(`confidence_${word}`))),
      h(
        "span",
        { class: "option-more", id: `contact-${at}-more` },
        [`${contact.package_name} \u00b7 ${contact.reference}`, where, t("record_from_list", list.name)].map((line) => line && h("span", { class: "line" }, line)),
        of && h("span", { class: "held" }, icon("caution"), t(holder ? "record_contact_linked" : "record_contact_chosen", of.label)),
        h("span", { class: "reasons" }, reasons.map(({ text, agrees }) => h("span", { class: agrees === null ? "reason note" : agrees ? "reason agrees" : "reason differs" },
          icon(agrees === null ? "info" : agrees ? "check" : "differ"), agrees === null ? null : unseen(t(agrees ? "agrees" : "differs")), " ", text, unseen(".")))),
      ),
    ),
  );
}

/** @param {App} app @param {string} link */
async function withdraw(app, link) {
  const answer = await sendMessage("withdraw", { link });
  if (!answer.ok) return app.trouble(answer.problem);
  app.announce(t("assist_withdrawn"));
  void app.start();
}
