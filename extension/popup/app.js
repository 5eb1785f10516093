// @ts-check
// What the popup is doing: from what the page shows, by a decision, to its outcome. Screens draw; this asks and decides
// which screen comes next.

import { holdersOf, contactState } from "../lib/linking/ranking.js";
import { isEmpty, displayName, withOverrides } from "../lib/page/contact.js";
import { differencesOver } from "../lib/linking/sage_exact_match.js";
import { needsOverride, NO_OVERRIDES, overridesAfter, requiredOverrides, toRequest } from "../lib/linking/overrides.js";
import { endsConnection, problem } from "../lib/server/problem.js";
import { sendMessage } from "../ui/send_message.js";
import { showOverrides } from "./confirm_overrides.js";
import { showChoose } from "./choose.js";
import { loadCrmPage } from "./commusoft_lists.js";
import { showConnect } from "./connect.js";
import { showListSent, showList } from "./contact_list.js";
import { showAlready, showConflict, showLinked, showNoAnswer, showUndone, showWaiting } from "./outcome.js";
import { openAssist, showAssist } from "./assist.js";
import { showProblem } from "./problem_screen.js";
import { loadRecord } from "./record.js";
import { showLoading, showWorking } from "./progress.js";

/** @typedef {import("../lib/linking/commands.js").PopupState} View */
/** @typedef {import("../lib/types.js").CrmRecord} CrmRecord */
/** @typedef {import("../lib/types.js").Kind} Kind */
/** @typedef {import("../lib/types.js").Link} Link */
/** @typedef {import("../lib/types.js").Problem} Problem */
/** @typedef {import("../lib/types.js").SuggestionAnswer} SuggestionAnswer */
/** @typedef {import("../lib/page/target.js").AtContact & {snapshot: string}} AtContact */

/** @typedef {import("../lib/linking/overrides.js").Overrides} Overrides */

/** @typedef {{name: string, postcode: string}} Typed */

/**
 * @typedef {object} Decision
 * @property {CrmRecord} record
 * @property {Kind} kind the contact's, when the person decided
 * @property {Overrides} overrides
 * @property {Link | null} undoing
 * @property {import("../lib/types.js").Difference[]} differences as the person saw them
 */

export class PopupController {
  /**
   * @param {import("./frame.js").Frame} stage
   * @param {number} tab
   */
  constructor(stage, tab) {
    this.stage = stage;
    this.tab = tab;
    /** @type {View | null} */
    this.view = null;
    /** @type {AtContact | null} */
    this.place = null;
    /** @type {Kind} */
    this.kind = "customer";
    /** @type {Typed | null} */
    this.typed = null;
    /** @type {SuggestionAnswer | null} */
    this.answer = null;
    /** @type {Decision | null} */
    this.decision = null;
    /** The requests that this popup sent and whose outcome is not known. @type {Set<string>} */
    this.unanswered = new Set();
    /** Raised with every new task, so that a late answer to an old one changes nothing. */
    this.task = 0;
  }

  /** @param {string} words */
  announce = (words) => this.stage.announce(words);

  /** The contact's details with what the clerk typed over them. */
  get details() {
    if (!this.place) throw new Error("no contact yet");
    return withOverrides(this.place.details, this.typed);
  }

  /** Nothing is known that suggestions could be found by. */
  get unread() {
    return isEmpty(this.details);
  }

  /** Whether a decision was sent, here or before, of which no one knows yet what became of it. */
  get hasOpenOutcome() {
    const { attempt = null, others = [] } = this.view ?? {};
    return this.unanswered.size > 0 || others.some((one) => one.open) || Boolean(attempt?.open);
  }

  start = () => this.load("open_tab", { tab: this.tab });

  /**
   * @param {string} type one of the messages that open a contact
   * @param {object} fields
   */
  async load(type, fields) {
    showLoading(this);
    const current = this.beginTask();
    const answer = await sendMessage(type, fields);
    if (current()) this.#showTarget(answer);
  }

  /**
   * Open a contact named by hand; the form keeps what was typed if there is none.
   * @param {string} type
   * @param {object} fields
   * @returns {Promise<{page: "list" | null} | Problem | null>} why it leads to no contact, or null
   */
  async loadOther(type, fields) {
    const answer = await sendMessage(type, fields);
    if (!answer.ok && answer.problem.type === "reference-malformed") return answer.problem;
    const { place, problem } = answer.ok ? answer.data : { place: null, problem: null };
    if (answer.ok && place && place.page !== "contact" && !problem) return place;
    this.beginTask();
    this.#showTarget(answer);
    return null;
  }

  /**
   * Send the list on the page.
   * @param {string} list
   * @param {string | null} batch the draft to join
   */
  async collect(list, batch) {
    showWorking(this, "collecting");
    const current = this.beginTask();
    const answer = await sendMessage("collect", { list, batch });
    if (!current()) return undefined;
    return answer.ok ? showListSent(this, answer.data) : this.#showProblem(answer.problem);
  }

  /** @param {import("../lib/types.js").Answer<View>} answer */
  #showTarget(answer) {
    this.place = null;
    this.typed = null;
    this.answer = null;
    this.decision = null;
    if (!answer.ok) return this.#showProblem(answer.problem);
    this.view = answer.data;
    const { status, problem, place, attempt } = answer.data;
    this.stage.showWorkspace(status);
    if (!status.connected) return showConnect(this, status);
    if (place?.page === "contact") this.place = place;
    if (problem) return this.#showProblem(problem);
    if (place?.page === "list") return showList(this, place);
    if (place?.page === "record") return loadRecord(this);
    if (place?.page !== "contact") return loadCrmPage(this);
    if (attempt) return this.resume(attempt.key);
    return this.suggest(null);
  }

  /**
   * @param {Kind | null} kind null: the page's, or the likelier one
   * @param {{stay?: boolean, answered?: () => void}} [how] stay: go on choosing, whatever already holds the
   *   reference; answered: the server has answered
   * @returns {Promise<unknown>}
   */
  async suggest(kind, how = {}) {
    if (!this.place) return;
    const current = this.beginTask();
    showChoose(this, { loading: true });
    const answer = await sendMessage("suggest", { snapshot: this.place.snapshot, kind, typed: this.typed });
    if (answer.ok) how.answered?.();
    if (!current()) return;
    if (!answer.ok) return this.#showProblem(answer.problem);
    this.answer = answer.data;
    this.kind = answer.data.kind;
    const state = contactState(answer.data, this.place.contact);
    if (state === "waiting" && answer.data.link?.method === "pages") return showAssist(this, answer.data.link, null);
    if (state === "waiting") return this.pollLink(answer.data.link);
    if (state === "already" && !how.stay) {
      return showAlready(this, answer.data, holdersOf(answer.data, this.place.contact));
    }
    showChoose(this, { loading: false });
  }

  /** Back to the suggestions, asked anew: what was refused may have changed them. */
  choose = () => (this.place ? this.suggest(this.kind, { stay: true }) : this.start());

  /**
   * On a record's page: one of the contacts suggested for it.
   * @param {import("../lib/types.js").ContactSuggestion} suggestion
   * @param {CrmRecord} record
   */
  async decideContact({ contact, holder }, record) {
    showWorking(this, "linking");
    const current = this.beginTask();
    const answer = await sendMessage("choose_contact", { tab: this.tab, record: record.id, contact });
    if (!current()) return undefined;
    if (!answer.ok) return this.#showProblem(answer.problem);
    this.place = answer.data;
    this.kind = contact.kind ?? record.kind;
    this.answer = { likely_kind: this.kind, suggestions: [], none: 0, holders: holder ? [holder] : [], link: null };
    return this.decide(record);
  }

  /** @param {CrmRecord} record */
  decide(record) {
    const { answer, place } = this;
    if (!answer || !place) return undefined;
    if (record.reference === place.contact.reference) return showAlready(this, answer, [record]);
    const { package: name, reference } = place.contact;
    const overrides = requiredOverrides(record, { reference, kind: this.kind }, answer.holders);
    const differences = differencesOver(name, this.details, record);
    const decision = { record, kind: this.kind, overrides, undoing: null, differences };
    return needsOverride(overrides) ? this.#askOverrides(decision) : this.confirm(decision);
  }

  /** @param {Decision} decision with what the person accepted */
  async confirm(decision) {
    if (!this.place) return;
    const { snapshot } = this.place;
    const { record, kind, overrides, differences } = decision;
    this.decision = decision;
    await this.#send("linking", "confirm", {
      snapshot, kind, typed: this.typed, record: record.id, ...toRequest(overrides), differences,
    });
  }

  /**
   * @param {Link} link
   * @param {Overrides} [overrides]
   */
  async undo(link, overrides = NO_OVERRIDES) {
    this.decision = { record: link.record, kind: link.kind, overrides, undoing: link, differences: [] };
    await this.#send("undoing", "undo", {
      snapshot: this.place?.snapshot ?? null, link: link.id, title: link.contact_name, also_on: toRequest(overrides).also_on,
    });
  }

  /** The last decision once more, as a new request: its first is known to have done nothing. */
  again = () => (this.decision ? this.#decided(this.decision) : this.start());

  /** @param {Decision} decision */
  #decided(decision) {
    return decision.undoing ? this.undo(decision.undoing, decision.overrides) : this.confirm(decision);
  }

  /** @param {Decision} decision with what it still needs */
  #askOverrides(decision) {
    showOverrides(this, decision, () => void this.#decided(decision));
  }

  /**
   * @param {"linking" | "undoing" | "resuming"} what
   * @param {string} type
   * @param {object} fields
   */
  async #send(what, type, fields) {
    showWorking(this, what);
    const current = this.beginTask();
    const answer = await sendMessage(type, fields);
    if (current()) this.#settle(answer);
  }

  /**
   * A request whose outcome was not seen.
   * @param {string} attempt
   */
  resume = (attempt) => this.#send("resuming", "resume", { attempt });

  /**
   * The person chooses again while a question is open; it is forgotten once the server shows how things are.
   * @param {string} attempt
   */
  giveUp = (attempt) =>
    this.suggest(this.kind, {
      stay: true,
      answered: () => {
        this.#resolved(attempt);
        void sendMessage("acknowledge", { attempt });
      },
    });

  /** @param {string} key of a request whose outcome is known now */
  #resolved(key) {
    this.unanswered.delete(key);
    for (const one of [this.view?.attempt, ...(this.view?.others ?? [])]) if (one?.key === key) one.open = false;
  }

  /** @param {import("../lib/types.js").Answer<Link> & {attempt?: string, open?: boolean}} answer */
  #settle(answer) {
    if (answer.attempt && answer.open) this.unanswered.add(answer.attempt);
    else if (answer.attempt) this.#resolved(answer.attempt);
    if (!answer.ok && answer.attempt && answer.open) {
      if (endsConnection(answer.problem)) return this.#showProblem(answer.problem);
      return showNoAnswer(this, answer.problem, answer.attempt);
    }
    if (answer.attempt) void sendMessage("acknowledge", { attempt: answer.attempt });
    return answer.ok ? this.showLink(answer.data) : this.#refused(answer.problem);
  }

  /**
   * @param {Link} link
   * @returns {unknown}
   */
  showLink(link) {
    if (link.state === "intended" && link.method === "pages") return openAssist(this, link);
    if (link.state === "intended") return this.pollLink(link);
    if (link.state === "conflict") return showConflict(this, link);
    if (link.state === "undone") return this.start();
    if (link.state === "failed") return this.#showProblem(failureOf(link));
    return link.undoes ? showUndone(this, link) : showLinked(this, link);
  }

  /** @param {Problem} problem */
  #refused(problem) {
    const overrides = this.decision && overridesAfter(problem, this.decision.overrides);
    if (!this.decision || !overrides) return this.#showProblem(problem);
    return this.#askOverrides({ ...this.decision, record: problem.record ?? this.decision.record, overrides });
  }

  /** @param {Problem} problem */
  trouble = (problem) => this.#showProblem(problem);

  /**
   * What does not work; a connection that is no more is no trouble, but a reason to connect again.
   * @param {Problem} problem
   */
  #showProblem(problem) {
    return endsConnection(problem) ? void this.#reconnect(problem) : showProblem(this, problem);
  }

  /** @param {Problem} problem */
  async #reconnect(problem) {
    const current = this.beginTask();
    const answer = await sendMessage("connection_status");
    if (!current()) return;
    if (answer.ok && !answer.data.connected) showConnect(this, answer.data);
    else showProblem(this, problem);
  }

  /**
   * The server finishes an intended link by itself: look now and then, less and less often.
   * @param {Link | null} link
   * @returns {Promise<unknown>}
   */
  async pollLink(link) {
    if (!link) return undefined;
    const current = this.beginTask();
    showWaiting(this, link);
    for (let pause = 1_000; current(); pause = Math.min(pause * 1.5, 10_000)) {
      await new Promise((resolve) => setTimeout(resolve, pause));
      if (!current()) break;
      const answer = await sendMessage("refreshLink", { link: link.id });
      if (current() && answer.ok && answer.data.state !== "intended") return this.showLink(answer.data);
    }
    return undefined;
  }

  /** @returns {() => boolean} whether the task begun here is still the last one */
  beginTask() {
    this.task += 1;
    const mine = this.task;
    return () => this.task === mine;
  }

  /** The name to speak of the contact by. */
  get title() {
    return this.place ? displayName(this.details) : "";
  }
}

/**
 * @param {Link} link
 * @returns {Problem}
 */
function failureOf(link) {
  const type = (link.failure?.type ?? "general").replace(/^urn:crmlink:problem:/, "");
  return problem(type, {
    detail: link.failure?.detail ?? "",
    record: link.record,
    current_reference: link.record.reference,
    link,
  });
}
