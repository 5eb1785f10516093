// @ts-check
// What may be where crmlink should be, as far as an answer tells: a sign-in page, a proxy, another program.

import { isLocal } from "./server_url.js";

/** Something between us and crmlink answered that crmlink did not. */
const GATEWAY = new Set([502, 503, 504, 520, 521, 522, 523, 524]);

/**
 * The type of problem behind an answer that is not crmlink's.
 * @param {Pick<Response, "type" | "status" | "headers">} response
 * @param {string} text its body
 */
export function wrongAnswer(response, text) {
  if (response.type === "opaqueredirect") return "server-redirects";
  if (response.status === 511) return "network-sign-in";
  if (response.status === 407) return "proxy-sign-in";
  if (GATEWAY.has(response.status)) return "gateway-error";
  return isWebPage(response.headers.get("Content-Type") ?? "", text) ? "web-page-instead" : "server-odd";
}

/**
 * @param {string} contentType
 * @param {string} text
 */
function isWebPage(contentType, text) {
  return /\bx?html\b/i.test(contentType) || /^\s*<(!doctype|html|head|body|script|meta)\b/i.test(text);
}

/**
 * The type of problem where nothing answered at all. A browser does not say why: a certificate that it does not trust
 * looks like a computer that is switched off.
 * @param {string} server
 * @param {boolean} online whether the browser has a network
 */
export function noAnswer(server, online) {
  const { protocol, hostname } = new URL(server);
  if (protocol === "https:" && (online || isLocal(hostname))) return "secure-unreachable";
  if (isLocal(hostname)) return "server-not-running";
  return online ? "server-unreachable" : "offline";
}
