// @ts-check
// How a page asks the background.

import { problem } from "../lib/server/problem.js";

/**
 * @param {string} type one of lib/messages.js
 * @param {object} [fields]
 * @returns {Promise<import("../lib/types.js").Answer<any> & {attempt?: string}>}
 */
export async function sendMessage(type, fields = {}) {
  try {
    const answer = await chrome.runtime.sendMessage({ type, ...fields });
    if (typeof answer?.ok === "boolean") return answer;
  } catch {
    // The worker was ended, or the extension was updated under this page.
  }
  return { ok: false, problem: problem("background-silent") };
}
