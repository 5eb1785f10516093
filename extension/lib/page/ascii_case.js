// @ts-check
// Capitals and small letters of ASCII alone, so that JavaScript and Python cannot differ.

/** @param {string} text */
export function lower(text) {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** @param {string} text */
export function upper(text) {
  return text.replace(/[a-z]/g, (letter) => letter.toUpperCase());
}
