// @ts-check
/**
 * A page's address, taken apart by the rules of the WHATWG URL standard, or refused.
 *
 * Only plain addresses get through: https (http where a practice workspace's rules say so), no user info, the host written in plain letters, no
 * control characters, at most 8,192 characters. The server's `accounting/page_url.py` does the same.
 */

/**
 * @typedef {[name: string, value: string | null]} Pair  a value that cannot be decoded is null
 * @typedef {{scheme: string, host: string, port: string, origin: string, path: string[] | null, query: Pair[],
 *   fragment: string[] | null, fragmentQuery: Pair[]}} Address
 *   `path` starts with "" (what is before the first slash) and has no empty last part;
 *   `fragment` is split in the same way; both are null when they cannot be decoded
 */

const MAX_LENGTH = 8192;

// The host must be spelled as it is: no look-alike letters that a parser would turn into plain
// ones, no backslashes, no user info, nothing between the scheme and the host.
const PLAIN_START = /^https?:\/\/[a-z0-9.-]+(?::[0-9]{1,5})?(?=[/?#]|$)/i;
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * @param {unknown} url
 * @returns {Address | null} null when it is not a plain page address
 */
export function parseAddress(url) {
  if (typeof url !== "string" || url.length > MAX_LENGTH) return null;
  const text = url.replace(/^ +/, "").replace(/(?<! ) +$/, "");
  if (LONE_SURROGATE.test(text) || CONTROL.test(text) || !PLAIN_START.test(text)) return null;
  let parsed;
  try {
    parsed = new URL(text);
  } catch {
    return null;
  }
  const hash = parsed.hash.slice(1);
  const mark = hash.includes("?") ? hash.indexOf("?") : hash.length;
  return {
    scheme: parsed.protocol.slice(0, -1),
    host: parsed.hostname,
    port: parsed.port,
    origin: parsed.origin,
    path: parts(parsed.pathname),
    query: pairs(parsed.search.slice(1)),
    fragment: parts(hash.slice(0, mark)),
    fragmentQuery: pairs(hash.slice(mark + 1)),
  };
}

/**
 * The parts of a path or of its template; one slash at the end does not count.
 * @param {string} text
 */
export function splitPath(text) {
  const split = text.split("/");
  return split.length > 1 && split.at(-1) === "" ? split.slice(0, -1) : split;
}

/**
 * @param {string} text
 * @returns {string[] | null}
 */
function parts(text) {
  const decodedParts = [];
  for (const part of splitPath(text)) {
    const value = decoded(part);
    if (value === null || /[/\\]/.test(value)) return null;
    decodedParts.push(value);
  }
  return decodedParts;
}

/**
 * @param {string} query
 * @returns {Pair[]}
 */
function pairs(query) {
  /** @type {Pair[]} */
  const found = [];
  for (const pair of query.replaceAll("+", " ").split("&")) {
    const mark = pair.includes("=") ? pair.indexOf("=") : pair.length;
    const name = decoded(pair.slice(0, mark));
    if (name) found.push([name, decoded(pair.slice(mark + 1))]);
  }
  return found;
}

/**
 * @param {string} text
 * @returns {string | null}
 */
function decoded(text) {
  try {
    const value = decodeURIComponent(text);
    return CONTROL.test(value) ? null : value;
  } catch {
    return null;
  }
}
