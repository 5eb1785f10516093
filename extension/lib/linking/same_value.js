// @ts-check
// Whether two values are the same, whatever order their names are in: Chrome's storage gives an object back with its
// names in alphabetical order.

/**
 * @param {unknown} one of what JSON knows
 * @param {unknown} other
 */
export function isSame(one, other) {
  return written(one) === written(other);
}

/** @param {unknown} value */
function written(value) {
  return JSON.stringify(value, (_, inner) => (isPlain(inner) ? Object.fromEntries(Object.entries(inner).sort(byName)) : inner));
}

/** @param {unknown} value */
const isPlain = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** @param {[string, unknown]} one @param {[string, unknown]} other */
const byName = ([one], [other]) => (one < other ? -1 : 1);
