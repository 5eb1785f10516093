// @ts-check
// What a person has to see and agree to on top of a choice, before something is written.

/** @typedef {import("../types.js").CrmRecord} CrmRecord */
/** @typedef {import("../types.js").Kind} Kind */

/**
 * @typedef {object} Overrides
 * @property {string | null} replaces the other reference that is on the record
 * @property {CrmRecord[]} also_on other records that have the reference
 * @property {boolean} checked_empty that nothing is on the record, where crmlink cannot see it
 * @property {boolean} accepts_kind that the record is a customer and the contact a supplier, or the reverse
 */

/** @type {Overrides} */
export const NO_OVERRIDES = Object.freeze({ replaces: null, also_on: [], checked_empty: false, accepts_kind: false });

/**
 * What choosing this record needs, as far as is known before the server is asked.
 * @param {CrmRecord} record
 * @param {{reference: string, kind: Kind}} contact its kind by its page, or by what the person chose
 * @param {CrmRecord[]} holders records that have its reference
 * @returns {Overrides}
 */
export function requiredOverrides(record, { reference, kind }, holders) {
  const other = record.reference !== null && record.reference !== "" && record.reference !== reference;
  return {
    replaces: other ? record.reference : null,
    also_on: holders.filter((holder) => holder.id !== record.id && holder.kind === record.kind),
    checked_empty: false,
    accepts_kind: record.kind !== kind,
  };
}

/** @param {Overrides} overrides */
export function needsOverride({ replaces, also_on, checked_empty, accepts_kind }) {
  return replaces !== null || also_on.length > 0 || checked_empty || accepts_kind;
}

/**
 * As it is sent.
 * @param {Overrides} overrides
 * @returns {import("../types.js").SentOverrides}
 */
export function toRequest({ replaces, also_on, checked_empty, accepts_kind }) {
  return { replaces, also_on: also_on.map((record) => record.id), checked_empty, accepts_kind };
}

/**
 * What a refusal by the server adds to what was agreed to already; null when it is no question of that.
 * @param {import("../types.js").Problem} problem
 * @param {Overrides} before
 * @returns {Overrides | null}
 */
export function overridesAfter(problem, before) {
  switch (problem.type) {
    case "record-has-reference":
      return problem.current_reference ? { ...before, replaces: problem.current_reference } : null;
    case "reference-taken": {
      const known = before.also_on.filter((one) => problem.holders.every((holder) => holder.id !== one.id));
      return problem.holders.length > 0 ? { ...before, also_on: [...known, ...problem.holders] } : null;
    }
    case "reference-not-shown":
      return before.checked_empty ? null : { ...before, checked_empty: true };
    case "kind-differs":
      return before.accepts_kind ? null : { ...before, accepts_kind: true };
    default:
      return null;
  }
}
