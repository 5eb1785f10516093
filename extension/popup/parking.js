// @ts-check
// Where nothing in Commusoft fits: the contact is parked for those who add customers and suppliers.

import { problemScreen } from "./problem_steps.js";
import { h } from "../ui/dom.js";
import { t, formatDateTime } from "../ui/i18n.js";
import { sendMessage } from "../ui/send_message.js";
import { notice } from "./components.js";

/** @typedef {import("./app.js").PopupController} App */
/** @typedef {import("../lib/types.js").Parked} Parked */

/**
 * @param {App} app
 */
export function parkLine(app) {
  const element = h("div", { class: "park" });
  draw(app.answer?.parked ?? null);

  /** @param {Parked | null} parked */
  function draw(parked) {
    element.replaceChildren(parked ? parkedNotice(parked) : offer());
  }

  function offer() {
    return h("p", { class: "muted" }, t("park_question"), " ", action("park", t("park"), park));
  }

  /** @param {Parked} parked */
  function parkedNotice({ id, by, created_at }) {
    const remove = action("unpark", t("unpark"), () => unpark(id));
    return notice("info", t("parked", by, formatDateTime(created_at)), " ", remove);
  }

  async function park() {
    const answer = await sendMessage("park", { snapshot: app.place?.snapshot, typed: app.typed });
    if (!answer.ok) return refuse(answer.problem);
    return settle(answer.data, t("parked_heard"));
  }

  /** @param {string} id */
  async function unpark(id) {
    const answer = await sendMessage("unpark", { parked: id });
    if (!answer.ok && answer.problem.type !== "not-found") return refuse(answer.problem);
    return settle(null, t("unparked_heard"));
  }

  /** @param {Parked | null} parked @param {string} words */
  function settle(parked, words) {
    if (app.answer) app.answer.parked = parked;
    draw(parked);
    element.querySelector("button")?.focus();
    app.announce(words);
  }

  /** @param {import("../lib/types.js").Problem} problem */
  function refuse(problem) {
    const words = problem.detail || t(problemScreen(problem, false).text);
    element.querySelector(".notice.stop")?.remove();
    element.prepend(notice("stop", words));
    app.announce(words);
  }

  return element;
}

/**
 * @param {string} id
 * @param {string} words
 * @param {() => unknown} act
 */
function action(id, words, act) {
  return h("button", { type: "button", class: "inline", id, on: { click: act } }, words);
}
