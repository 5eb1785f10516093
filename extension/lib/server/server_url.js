// @ts-check
// A server's address, as a person or an office's policy gives it.

/** The address of a server on the same computer, as it says when it starts. */
export const DEFAULT_SERVER = "http://127.0.0.1:8787";

/**
 * Read a server address as a person types it. Without a scheme it is https, unless the server is on this computer.
 * @param {string} typed
 * @returns {{server: string, origins: string[], plain: boolean} | null} null when it is none; `plain` when the way
 *   to it is neither encrypted nor within this computer
 */
export function parseServer(typed) {
  const trimmed = typed.trim();
  const text = withScheme(trimmed);
  if (trimmed === "" || !URL.canParse(text)) return null;
  const url = new URL(text);
  const web = url.protocol === "http:" || url.protocol === "https:";
  // Chrome takes a space in a host's name, as %20.
  if (!web || url.hostname.includes("%") || url.username || url.password || url.search || url.hash) return null;
  return {
    server: url.origin + url.pathname.replace(/\/+$/, ""),
    // Host permissions know no ports in every browser; without one they cover all.
    origins: [`${url.protocol}//${url.hostname}/*`],
    plain: url.protocol === "http:" && !isLocal(url.hostname),
  };
}

/** @param {string} typed */
function withScheme(typed) {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(typed)) return typed;
  const encrypted = `https://${typed}`;
  return URL.canParse(encrypted) && isLocal(new URL(encrypted).hostname) ? `http://${typed}` : encrypted;
}

/** @param {string} hostname */
export function isLocal(hostname) {
  return hostname === "localhost" || hostname === "127.0.0.1" || hostname === "[::1]";
}

/**
 * The page on which a signed-in person approves this browser. Only a page of the same server is ever opened.
 * @param {string} server
 * @param {string} code
 * @param {unknown} offered the address that the server gave
 */
export function approvalUrl(server, code, offered) {
  const own = new URL(server).origin;
  if (typeof offered === "string" && URL.canParse(offered) && new URL(offered).origin === own) return offered;
  return `${server}/pair?code=${encodeURIComponent(code)}`;
}
