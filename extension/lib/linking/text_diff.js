// @ts-check
// Where two texts differ, character by character.

/** @typedef {{text: string, differs: boolean}} Piece */

/** Longer texts are compared at their ends only. */
const MAX_COMPARED_LENGTH = 400;

/**
 * Both texts cut into pieces that are in the other one too and pieces that are not. Texts with less than half in
 * common differ as a whole: letters that happen to agree would only confuse.
 * @param {string} left
 * @param {string} right
 * @returns {{left: Piece[], right: Piece[]}}
 */
export function diffText(left, right) {
  const a = [...left];
  const b = [...right];
  const common = a.length > MAX_COMPARED_LENGTH || b.length > MAX_COMPARED_LENGTH ? ends(a, b) : longestCommon(a, b);
  const agreeing = common.left.filter(Boolean).length;
  const alike = agreeing * 2 >= Math.max(a.length, b.length);
  return { left: pieces(a, common.left, alike), right: pieces(b, common.right, alike) };
}

/** @typedef {{left: boolean[], right: boolean[]}} Shared which characters are in the other text too */

/**
 * @param {string[]} a
 * @param {string[]} b
 * @returns {Shared}
 */
function longestCommon(a, b) {
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  /** How many characters are common from `i` and `j` on. @param {number} i @param {number} j */
  const from = (i, j) => lengths[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] = a[i] === b[j] ? from(i + 1, j + 1) + 1 : Math.max(from(i + 1, j), from(i, j + 1));
    }
  }
  /** @type {Shared} */
  const shared = { left: a.map(() => false), right: b.map(() => false) };
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i] === b[j]) {
      shared.left[i] = shared.right[j] = true;
      i += 1;
      j += 1;
    } else if (from(i + 1, j) >= from(i, j + 1)) i += 1;
    else j += 1;
  }
  return shared;
}

/**
 * @param {string[]} a
 * @param {string[]} b
 * @returns {Shared}
 */
function ends(a, b) {
  const shortest = Math.min(a.length, b.length);
  let head = 0;
  while (head < shortest && a[head] === b[head]) head += 1;
  let tail = 0;
  while (tail < shortest - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  /** @param {string[]} text */
  const marks = (text) => text.map((_, index) => index < head || index >= text.length - tail);
  return { left: marks(a), right: marks(b) };
}

/**
 * @param {string[]} characters
 * @param {boolean[]} shared
 * @param {boolean} alike
 * @returns {Piece[]}
 */
function pieces(characters, shared, alike) {
  /** @type {Piece[]} */
  const found = [];
  characters.forEach((character, index) => {
    const last = found.at(-1);
    const differs = !alike || !shared[index];
    if (last?.differs === differs) last.text += character;
    else found.push({ text: character, differs });
  });
  return found;
}
