// @ts-check
// Which suggestion is offered first, how sure it sounds, and whether the contact is linked already.

/** @typedef {import("../types.js").Suggestion} Suggestion */
/** @typedef {import("../types.js").CrmRecord} CrmRecord */
/** @typedef {import("../types.js").Contact} Contact */
/** @typedef {import("../types.js").Kind} Kind */
/** @typedef {import("../types.js").Link} Link */
/** @typedef {import("../types.js").SuggestionAnswer} SuggestionAnswer */

/** @typedef {"sure" | "very_likely" | "possible"} Confidence */

const VERY_LIKELY = 0.9;

/**
 * Confidence in a word: a figure beside it would promise more than it can keep.
 * @param {Pick<Suggestion, "probability" | "sure">} suggestion
 * @returns {Confidence}
 */
export function confidence({ probability, sure }) {
  if (sure) return "sure";
  return probability >= VERY_LIKELY ? "very_likely" : "possible";
}

/**
 * The suggestion to preselect: the first, if it is plausible, of the contact's kind, and well ahead of the second.
 * @param {Suggestion[]} suggestions
 * @param {number} none probability that the contact has no record
 * @param {Kind} kind the contact's, by its page or by what the person chose
 * @returns {{index: number, why: "tie" | "unclear" | "other_kind" | null}} index -1: the person has to choose, and why
 */
export function preselected(suggestions, none, kind) {
  const [first, second] = suggestions;
  if (!first) return { index: -1, why: null };
  if (first.record.kind !== kind) return { index: -1, why: "other_kind" };
  if (first.sure) return { index: 0, why: null };
  if (second !== undefined && second.probability >= 0.03 && second.probability >= first.probability / 2) {
    return { index: -1, why: "tie" };
  }
  return first.probability >= 0.5 && first.probability > none ? { index: 0, why: null } : { index: -1, why: "unclear" };
}

/**
 * The link that put its present reference on a record; null where crmlink knows of none.
 * @param {SuggestionAnswer} answer
 * @param {CrmRecord} holder
 * @returns {Link | null}
 */
export function linkBehind({ holder_links: links, link }, holder) {
  const known = links ?? (link ? [link] : []);
  return known.find((one) => one.state === "linked" && one.undoes === null &&
    one.record.id === holder.id && one.reference === holder.reference) ?? null;
}

/**
 * Whether a link is this contact's own. Not every address of a contact names its organisation, or tells its kind.
 * @param {Link} link
 * @param {Contact} contact
 */
export function isLinkOf(link, contact) {
  const { organisation, contact_kind: kind = link.kind, contact_reference: reference = link.reference } = link;
  return (
    link.package === contact.package &&
    reference === contact.reference &&
    (organisation === null || contact.organisation === null || organisation === contact.organisation) &&
    (contact.kind === null || kind === contact.kind)
  );
}

/**
 * The contact's state before a person chooses.
 * @param {SuggestionAnswer} answer
 * @param {Contact} contact
 * @returns {"waiting" | "already" | "open"}
 */
export function contactState(answer, contact) {
  if (answer.link?.state === "intended") return "waiting";
  return holdersOf(answer, contact).length > 0 ? "already" : "open";
}

/**
 * The records that this contact is linked to. Customer 12 and supplier 12 are two contacts, so where the page tells
 * the kind only records of that kind count, and others that a person knowingly linked it to.
 * @param {SuggestionAnswer} answer
 * @param {Contact} contact
 * @returns {CrmRecord[]}
 */
export function holdersOf(answer, contact) {
  return answer.holders.filter((holder) => {
    if (contact.kind === null || holder.kind === contact.kind) return true;
    const link = linkBehind(answer, holder);
    return link !== null && isLinkOf(link, contact);
  });
}

/**
 * A web address fit for a link, or null.
 * @param {string} address
 */
export function httpUrl(address) {
  if (!URL.canParse(address)) return null;
  const { protocol, href } = new URL(address);
  return protocol === "https:" || protocol === "http:" ? href : null;
}
