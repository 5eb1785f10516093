// @ts-check
// The main screen: the contact, who it may be in Commusoft, and one key to link.

import { preselected } from "../lib/linking/ranking.js";
import { needsExactMatch } from "../lib/linking/sage_exact_match.js";
import { h, icon } from "../ui/dom.js";
import { t, tCount, sayKind } from "../ui/i18n.js";
import { exactTable } from "./exact_table.js";
import { optionList } from "./record_options.js";
import { contactCard, notice, skeleton } from "./components.js";
import { parkLine } from "./parking.js";
import { foundWords, searchBox } from "./search.js";

/** @typedef {import("./app.js").PopupController} App */
/** @typedef {import("../lib/types.js").CrmRecord} CrmRecord */
/** @typedef {import("../lib/types.js").Kind} Kind */
/** @typedef {import("./record_options.js").Option} Option */
/** @typedef {import("../lib/types.js").Found} Found */

/**
 * @param {App} app
 * @param {{loading: boolean}} state
 */
export function showChoose(app, { loading }) {
  const place = app.place;
  if (!place) return;
  const card = contactCard(place.contact, app.details, app.announce);
  const kinds = place.contact.kind === null ? kindQuestion(app) : null;
  const top = [...earlier(app), card, kinds];
  if (loading) {
    const body = [...top, h("h2", {}, t("suggestions")), skeleton()];
    return app.stage.show({ name: "choose-loading", body, announcement: t("loading_suggestions"), keys: kindKeys(app) });
  }
  const chooser = createChooser(app);
  const form = typedForm(app);
  const body = [...top, pageNotice(app), formerLink(app), form, chooser.body];
  const nameField = app.unread ? form?.querySelector("input") : null;
  return app.stage.show({
    name: "choose",
    body,
    actions: [chooser.submit],
    keys: { ...kindKeys(app), ...chooser.keys },
    focus: chooser.list.focusTarget() ?? nameField ?? null,
    announcement: chooser.announcement,
    enter: chooser.submit,
  });
}

/** @param {App} app */
function createChooser(app) {
  const { suggestions, none } = /** @type {NonNullable<App["answer"]>} */ (app.answer);
  const { index, why } = preselected(suggestions, none, app.kind);
  const submitWords = h("span", { class: "button-words" });
  const submit = h(
    "button",
    { type: "button", class: "button first wide", id: "link", on: { click: () => decide() } },
    icon("link"),
    submitWords,
    h("kbd", { "aria-hidden": "true" }, t("key_enter")),
  );
  const exact = h("div", {});
  const list = optionList({ reference: app.place?.contact.reference ?? "", changed: redraw });
  const heading = h("h2", { id: "records-heading" });
  const remark = h("div", {});
  const search = searchBox({ snapshot: app.place?.snapshot ?? "", kind: app.kind, announce: app.announce, found: showFound, cleared: showSuggested, down: list.enter });

  /** @param {Option | null} option */
  function redraw(option) {
    submit.setAttribute("aria-disabled", String(option === null));
    submitWords.textContent = option ? t("link_to", option.record.label) : t("choose_a_record");
    const needed = option && app.place && needsExactMatch(app.place.contact.package);
    exact.replaceChildren(...(needed ? [exactTable(app.details, option.record)] : []));
  }

  function showSuggested() {
    heading.textContent = t(suggestions.length || app.unread ? "suggestions" : "no_suggestion");
    remark.replaceChildren(...remarks(app, suggestions.length, why));
    list.fill(suggestions.map((one) => ({ record: one.record, suggestion: one })), index);
  }

  /** @param {Found} found */
  function showFound({ records, others }) {
    heading.textContent = foundWords(records.length, others.length, app.kind);
    remark.replaceChildren();
    const show = () => {
      fillFound(others);
      list.enter();
    };
    const [other] = others;
    if (other) remark.append(h("button", { type: "button", class: "inline", id: "show-others", on: { click: show } }, t(`show_${other.kind}s`)));
    fillFound(records);
  }

  /** @param {CrmRecord[]} records */
  function fillFound(records) {
    list.fill(records.map((record) => ({ record, suggestion: null })), -1);
  }

  function decide() {
    const option = list.chosen();
    if (option) return app.decide(option.record);
    return app.announce(t("choose_a_record"));
  }

  showSuggested();
  const digits = Object.fromEntries([1, 2, 3, 4, 5].map((n) => [String(n), () => list.choose(n - 1)]));
  const keys = {
    ...digits,
    "/": search.open,
    ArrowDown: () => list.move(1),
    ArrowUp: () => list.move(-1),
  };
  search.name(suggestions.length > 0);
  if (suggestions.length === 0 && !app.unread) search.show();
  const body = [h("div", { class: "records-head" }, heading, search.opener), search.element, remark, list.element, exact, parkLine(app)];
  return { body, list, submit, keys, announcement: announcement(app, suggestions.length, why) };
}

/** @typedef {ReturnType<typeof preselected>["why"]} Why nothing is preselected */

/**
 * @param {App} app
 * @param {number} count
 * @param {Why} why
 */
function announcement(app, count, why) {
  if (count === 0) return t("no_suggestion");
  return why ? reason(app, why) : tCount("suggestions_heard", count);
}

/**
 * @param {App} app
 * @param {number} count
 * @param {Why} why
 */
function remarks(app, count, why) {
  if (count === 0) return app.unread ? [] : [h("p", { class: "muted" }, t("no_suggestion_text"))];
  return why ? [notice("caution", reason(app, why))] : [];
}

/**
 * @param {App} app
 * @param {NonNullable<Why>} why
 */
function reason(app, why) {
  if (why === "tie") return t("near_tie");
  if (why === "unclear") return t("none_clear");
  return t(app.kind === "supplier" ? "best_is_customer" : "best_is_supplier");
}

/** @param {App} app */
function kindQuestion(app) {
  /** @param {Kind} kind @param {string} key */
  const choice = (kind, key) =>
    h(
      "label",
      { class: "kind" },
      h("input", { type: "radio", name: "kind", value: kind, checked: app.kind === kind, on: { change: () => ask(app, kind) } }),
      h("span", {}, sayKind(kind), h("kbd", { "aria-hidden": "true" }, key)),
    );
  return h(
    "fieldset",
    { class: "kinds" },
    h("legend", {}, t("customer_or_supplier")),
    choice("customer", t("key_customer")),
    choice("supplier", t("key_supplier")),
  );
}

/** @param {App} app */
function kindKeys(app) {
  if (app.place?.contact.kind !== null) return {};
  return { [t("key_customer")]: () => ask(app, "customer"), [t("key_supplier")]: () => ask(app, "supplier") };
}

/**
 * @param {App} app
 * @param {Kind} kind
 */
function ask(app, kind) {
  if (kind === app.kind && document.body.dataset.screen === "choose") return;
  app.kind = kind;
  void app.suggest(kind, { stay: true });
}

/**
 * Requests about other contacts whose outcome no one has seen yet.
 * @param {App} app
 */
function earlier(app) {
  return (app.view?.others ?? []).map(({ key, action, title }) =>
    notice("info", t(`earlier_${action}`, title || t("a_contact")), " ",
      h("button", { type: "button", class: "inline", on: { click: () => showEarlier(app, key) } }, t("show_outcome"))),
  );
}

/**
 * @param {App} app
 * @param {string} key
 */
function showEarlier(app, key) {
  // What follows is about another contact: nothing on this one may be decided from there.
  app.place = null;
  void app.resume(key);
}

/**
 * The newest link of this contact, when it did not end well.
 * @param {App} app
 */
function formerLink(app) {
  const link = app.answer?.link;
  if (!link || (link.state !== "failed" && link.state !== "conflict")) return null;
  return notice("caution", t(link.undoes ? "last_undo_failed" : "last_try_failed", link.record.label), " ", link.failure?.detail ?? "");
}

/**
 * What is between the page and what was read of it.
 * @param {App} app
 */
function pageNotice(app) {
  const again = h("button", { type: "button", class: "inline", on: { click: app.start } }, t("look_again"));
  if (app.place?.translated) return notice("caution", t("translated_page"), " ", again);
  if (!app.unread) return null;
  return app.place?.source === "tab" ? notice("info", t("unread_page"), " ", again) : notice("info", t("unread_address"));
}

/**
 * Where nothing is known to find suggestions by, or what is known found none.
 * @param {App} app
 */
function typedForm(app) {
  const none = app.answer?.suggestions.length === 0;
  if (!app.unread && !none && !app.typed) return null;
  const name = h("input", { id: "typed-name", type: "text", autocomplete: "off", maxlength: "300", value: app.title });
  const postcode = h("input", { id: "typed-postcode", type: "text", autocomplete: "off", maxlength: "20", value: app.details.postcode });
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    app.typed = { name: name.value, postcode: postcode.value };
    void app.suggest(app.kind, { stay: true });
  };
  return h(
    "form",
    { class: "typed", on: { submit } },
    h("label", { for: "typed-name" }, t("name")),
    h("label", { for: "typed-postcode" }, t("postcode")),
    name,
    postcode,
    h("button", { type: "submit", class: "button" }, t("find")),
  );
}

