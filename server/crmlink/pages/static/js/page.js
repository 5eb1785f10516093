// @ts-check
// What every page does besides showing itself: it says when the server does not answer, leaves for
// the log-in when the session is over, and keeps the keyboard where it was.

const offline = document.getElementById("offline");

/** @param {boolean} gone */
function tell(gone) {
  if (offline) offline.hidden = !gone;
  const unanswered = document.getElementById("unanswered");
  if (unanswered && !gone) unanswered.hidden = true;
}

for (const name of ["htmx:sendError", "htmx:timeout"]) {
  document.addEventListener(name, () => tell(true));
}

document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = /** @type {CustomEvent<{xhr: XMLHttpRequest}>} */ (event).detail;
  // What the page shows is gone, or not this person's any more: the whole page says so.
  if ([403, 404, 410].includes(xhr.status)) location.reload();
  else tell(true);
});

/** What a poll brought last, by the id of its part. @type {Map<string, string>} */
const brought = new Map();

/** The parts of an answer that a poll would put into the page, without the forms' tokens.
 * @param {Element} part @param {string} html */
function content(part, html) {
  const answer = new DOMParser().parseFromString(html, "text/html");
  const chosen = [part.getAttribute("hx-select"), part.getAttribute("hx-select-oob")].filter(Boolean);
  const parts = chosen.length ? answer.querySelectorAll(chosen.join(",")) : [answer.body];
  for (const token of answer.querySelectorAll("[name=csrf_token]")) token.remove();
  return [...parts].map((each) => each.outerHTML).join("\n");
}

for (const part of document.querySelectorAll('[id][hx-select][hx-trigger^="every "]')) {
  brought.set(part.id, content(part, document.documentElement.outerHTML));
}

// A poll that brings what is there already touches nothing: neither the keyboard's place, nor what
// a screen reader reads, nor what is being typed.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { detail } = /** @type {CustomEvent} */ (event);
  const part = /** @type {Element} */ (detail.elt);
  if (!part.id || !part.getAttribute("hx-trigger")?.startsWith("every ")) return;
  const now = content(part, detail.serverResponse);
  if (brought.get(part.id) === now) detail.shouldSwap = false;
  brought.set(part.id, now);
});

document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = /** @type {CustomEvent<{xhr: XMLHttpRequest, shouldSwap: boolean}>} */ (event).detail;
  // The guard answered with the log-in in place of the part that was asked for.
  if (xhr.status === 401 || new URL(xhr.responseURL, location.href).pathname === "/log-in") {
    /** @type {CustomEvent} */ (event).detail.shouldSwap = false;
    location.reload();
  }
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (/** @type {CustomEvent} */ (event).detail.successful) tell(false);
});

window.addEventListener("online", () => tell(false));
window.addEventListener("offline", () => tell(true));
