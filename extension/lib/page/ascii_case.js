// @ts-check
// Capitals and small letters of ASCII alone, so that JavaScript and Python cannot differ.

/** @param {string} text */
export function asciiLower(text) {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** @param {string} text */
export function asciiUpper(text) {
  return text.replace(/[a-z]/g, (letter) => letter.toUpperCase());
}
