// @ts-check
// Which suggestion is offered first, how sure it sounds, and what needs a second, explicit choice.

/** @typedef {import("../types.js").Suggestion} Suggestion */
/** @typedef {import("../types.js").CrmRecord} CrmRecord */
/** @typedef {import("../types.js").Contact} Contact */
/** @typedef {import("../types.js").Kind} Kind */
/** @typedef {import("../types.js").SuggestionAnswer} SuggestionAnswer */

/** @typedef {"sure" | "very_likely" | "likely" | "possible" | "unlikely"} Confidence */

/**
 * Confidence in a word and in per cent. A hundred is never claimed.
 * @param {Pick<Suggestion, "probability" | "sure">} suggestion
 * @returns {{word: Confidence, percent: number}}
 */
export function confidence({ probability, sure }) {
  const percent = Math.min(99, Math.max(1, Math.floor(probability * 100)));
  return { word: sure ? "sure" : wordFor(probability), percent };
}

/** @param {number} probability @returns {Confidence} */
function wordFor(probability) {
  if (probability >= 0.9) return "very_likely";
  if (probability >= 0.6) return "likely";
  return probability >= 0.25 ? "possible" : "unlikely";
}

/**
 * The suggestion to preselect: the first, if it is plausible and stands clear of the second.
 * @param {Suggestion[]} suggestions
 * @param {number} none probability that the contact has no record
 * @returns {{index: number, tie: boolean}} index -1: the person has to choose; tie: because two fit alike
 */
export function preselected(suggestions, none) {
  const [first, second] = suggestions;
  if (!first) return { index: -1, tie: false };
  if (first.sure) return { index: 0, tie: false };
  const tie = second !== undefined && second.probability >= 0.03 && second.probability >= first.probability / 2;
  const plausible = first.probability >= 0.5 && first.probability > none;
  return { index: plausible && !tie ? 0 : -1, tie };
}

/**
 * What a person has to see and accept before something is written.
 * @typedef {object} Care
 * @property {string | null} replaces the other reference that stands on the record
 * @property {CrmRecord[]} also_on other records that carry the reference
 * @property {boolean} checked_empty that nothing stands on the record, where crmlink cannot see it
 */

/**
 * What choosing this record needs, as far as is known before the server is asked.
 * @param {CrmRecord} record
 * @param {string} reference the contact's
 * @param {CrmRecord[]} holders records that carry it
 * @returns {Care}
 */
export function careFor(record, reference, holders) {
  const other = record.reference !== null && record.reference !== "" && record.reference !== reference;
  return {
    replaces: other ? record.reference : null,
    also_on: holders.filter((holder) => holder.id !== record.id && holder.kind === record.kind),
    checked_empty: false,
  };
}

/** @param {Care} care */
export function needsCare(care) {
  return care.replaces !== null || care.also_on.length > 0 || care.checked_empty;
}

/**
 * @param {Care} care
 * @returns {import("../types.js").Accepted}
 */
export function accepted({ replaces, also_on, checked_empty }) {
  return { replaces, also_on: also_on.map((record) => record.id), checked_empty };
}

/**
 * What a refusal by the server adds to what was accepted already; null when it is no question of care.
 * @param {import("../types.js").Problem} problem
 * @param {Care} before
 * @returns {Care | null}
 */
export function careAfter(problem, before) {
  switch (problem.type) {
    case "record-has-reference":
      return problem.current_reference ? { ...before, replaces: problem.current_reference } : null;
    case "reference-taken": {
      const known = before.also_on.filter((one) => problem.holders.every((holder) => holder.id !== one.id));
      return problem.holders.length > 0 ? { ...before, also_on: [...known, ...problem.holders] } : null;
    }
    case "reference-not-shown":
      return before.checked_empty ? null : { ...before, checked_empty: true };
    default:
      return null;
  }
}

/**
 * Whether the contact's newest link is what put its reference on one of these records.
 * @param {import("../types.js").Link | null} link
 * @param {Contact} contact
 * @param {CrmRecord[]} holders
 */
export function isOurs(link, contact, holders) {
  return (
    link !== null &&
    link.state === "linked" &&
    link.undoes === null &&
    link.reference === contact.reference &&
    holders.some((holder) => holder.id === link.record.id)
  );
}

/**
 * Where the contact stands before anybody chooses.
 * @param {SuggestionAnswer} answer
 * @param {Contact} contact
 * @returns {"waiting" | "already" | "open"}
 */
export function standingOf(answer, contact) {
  if (answer.link?.state === "intended") return "waiting";
  return holdersOf(answer, contact).length > 0 ? "already" : "open";
}

/**
 * The records that this contact is linked to. Customer 12 and supplier 12 are two contacts, so where the page tells
 * the kind only records of that kind count.
 * @param {SuggestionAnswer} answer
 * @param {Contact} contact
 * @returns {CrmRecord[]}
 */
export function holdersOf(answer, contact) {
  return answer.holders.filter((holder) => contact.kind === null || holder.kind === contact.kind);
}

/**
 * A web address fit for a link, or null.
 * @param {string} address
 */
export function webAddress(address) {
  if (!URL.canParse(address)) return null;
  const { protocol, href } = new URL(address);
  return protocol === "https:" || protocol === "http:" ? href : null;
}
