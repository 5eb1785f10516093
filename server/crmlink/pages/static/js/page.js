// @ts-check
// What every page does besides showing itself: it says when the server does not answer, leaves for
// the log-in when the session is over, and keeps the keyboard where it was.

const offline = document.getElementById("offline");

/** @param {boolean} gone */
function tell(gone) {
  if (offline) offline.hidden = !gone;
}

for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.addEventListener(name, () => tell(true));
}

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
