// @ts-check
// Where there is no contact to look at: another page, or a package without pages.

import { h, icon } from "../ui/dom.js";
import { t } from "../ui/i18n.js";
import { headline, notice } from "./components.js";

/** @typedef {import("./app.js").PopupController} App */
/** @typedef {import("../lib/linking/commands.js").PackageInWords} PackageInWords */

/** The package last typed by hand, in this browser only. */
const HABIT = "crmlink.by_hand";

/**
 * @param {App} app
 * @param {"elsewhere" | "other_contact"} [title] why there is no contact to look at
 */
export function showOtherContact(app, title = "elsewhere") {
  const withPages = (app.view?.packages ?? []).filter((one) => !one.by_hand).map((one) => one.name);
  app.stage.show({
    name: "elsewhere",
    body: [
      headline("page", "info", t(title)),
      h("p", {}, t("elsewhere_text", inWords(withPages))),
      earlier(app),
      otherWays(app),
    ],
    announcement: t(title),
  });
}

/**
 * Requests whose outcome no one has seen yet.
 * @param {App} app
 */
export function earlier(app) {
  return (app.view?.others ?? []).map(({ key, action, title }) =>
    notice("info", t(`earlier_${action}`, title || t("a_contact")), " ",
      h("button", { type: "button", class: "inline", on: { click: () => void app.resume(key) } }, t("show_outcome"))),
  );
}

/** @param {App} app */
export function otherWays(app) {
  const desktop = (app.view?.packages ?? []).filter((one) => one.by_hand !== null);
  return h("div", { class: "ways" }, pasteForm(app), desktop.length > 0 && byHand(app, desktop));
}

/** @param {App} app */
function pasteForm(app) {
  const field = h("input", {
    id: "address", type: "text", inputmode: "url", autocomplete: "off", spellcheck: "false", maxlength: "8000",
    placeholder: "https://…", "aria-describedby": "address-trouble",
  });
  const trouble = h("p", { id: "address-trouble", class: "field-trouble", role: "alert" });
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    trouble.textContent = "";
    const why = await app.loadOther("open_url", { address: field.value });
    if (!why) return;
    const list = "page" in why && why.page === "list";
    trouble.textContent = t(list ? "address_is_list" : "address_unknown");
    field.focus();
    field.select();
  };
  return h(
    "form",
    { class: "way", on: { submit } },
    h("label", { for: "address" }, t("paste_label")),
    h("div", { class: "row" }, field, h("button", { type: "submit", class: "button" }, t("look"))),
    trouble,
  );
}

/**
 * Packages without pages. People who work with one find the form open, as it was left.
 * @param {App} app
 * @param {PackageInWords[]} packages
 */
function byHand(app, packages) {
  const summary = h("summary", {}, icon("chevron"), t("hand_title", inWords(packages.map((one) => one.name))));
  const details = h("details", { class: "way", open: localStorage.getItem(HABIT) !== null }, summary, handForm(app, packages));
  details.addEventListener("toggle", () => details.open || localStorage.removeItem(HABIT));
  return details;
}

/**
 * @param {App} app
 * @param {PackageInWords[]} packages
 */
function handForm(app, packages) {
  const choices = packages.map((one) => h("option", { value: one.package }, one.name));
  const select = h("select", { id: "hand-package", on: { change: () => explain() } }, choices);
  select.value = localStorage.getItem(HABIT) ?? packages[0]?.package ?? "";
  if (select.selectedIndex < 0) select.selectedIndex = 0;
  const label = h("label", { for: "hand-reference" });
  const reference = h("input", { id: "hand-reference", type: "text", required: true, autocomplete: "off", spellcheck: "false", maxlength: "200", "aria-describedby": "hand-explain hand-trouble", on: { input: fillName } });
  const note = h("p", { id: "hand-explain", class: "muted" });
  const name = h("input", { id: "hand-name", type: "text", autocomplete: "off", maxlength: "300" });
  const postcode = h("input", { id: "hand-postcode", type: "text", autocomplete: "off", maxlength: "20" });
  const trouble = h("p", { id: "hand-trouble", class: "field-trouble", role: "alert" });
  let filled = "";

  function explain() {
    const words = packages[select.selectedIndex]?.by_hand;
    label.textContent = words?.label ?? t("reference");
    note.textContent = words?.explain ?? "";
  }

  /** Where the reference is the name, it is also what to search by, until another name is typed. */
  function fillName() {
    if (packages[select.selectedIndex]?.by_hand?.reference_is_name && name.value === filled) name.value = filled = reference.value;
  }

  /** @param {Event} event */
  async function submit(event) {
    event.preventDefault();
    trouble.textContent = "";
    localStorage.setItem(HABIT, select.value);
    const kind = /** @type {HTMLInputElement} */ (element.querySelector("input[name=hand-kind]:checked")).value;
    const fields = { package: select.value, reference: reference.value, name: name.value, postcode: postcode.value, kind };
    const why = await app.loadOther("open_form", fields);
    if (!why) return;
    trouble.textContent = "detail" in why && why.detail ? t("should_be", why.detail) : t("reference_unfit", packages[select.selectedIndex]?.name ?? "");
    reference.focus();
  }

  const element = h(
    "form",
    { class: "hand", on: { submit } },
    h("div", { class: "field" }, h("label", { for: "hand-package" }, t("package")), select),
    h("fieldset", { class: "kinds" }, h("legend", { class: "unseen" }, t("customer_or_supplier")), handKind("customer", true), handKind("supplier", false)),
    h("div", { class: "field" }, label, reference, note, trouble),
    h("div", { class: "field pair" }, h("label", { for: "hand-name" }, t("name")), h("label", { for: "hand-postcode" }, t("postcode")), name, postcode),
    h("button", { type: "submit", class: "button" }, icon("search"), h("span", {}, t("find_record"))),
  );
  explain();
  return element;
}

/**
 * @param {"customer" | "supplier"} kind
 * @param {boolean} checked
 */
function handKind(kind, checked) {
  return h("label", { class: "kind" }, h("input", { type: "radio", name: "hand-kind", value: kind, checked }), h("span", {}, t(kind)));
}

/** @param {string[]} names */
function inWords(names) {
  return new Intl.ListFormat("en-GB", { type: "disjunction" }).format(names);
}
