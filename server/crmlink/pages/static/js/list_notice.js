// @ts-check
// Tells a person with the browser's own notification that a list of theirs has ended, where they
// have allowed that. Without it the mark in the navigation says the same.

const ANNOUNCED_KEY = "crmlink-told-lists";
const MAX_KEPT = 50;

/** @returns {string[]} */
function announced() {
  try {
    return JSON.parse(localStorage.getItem(ANNOUNCED_KEY) ?? "[]");
  } catch {
    return [];
  }
}

/** Notify in one of several open tabs: each looks and notes alone. */
function notify() {
  if (!("Notification" in window) || Notification.permission !== "granted") return;
  void navigator.locks.request(ANNOUNCED_KEY, notifyFresh);
}

function notifyFresh() {
  const before = announced();
  const ended = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".ended-list")]);
  const fresh = ended.filter((each) => !before.includes(each.dataset.key ?? ""));
  if (!fresh.length) return;
  const keys = fresh.map((each) => each.dataset.key ?? "");
  localStorage.setItem(ANNOUNCED_KEY, JSON.stringify([...before, ...keys].slice(-MAX_KEPT)));
  for (const each of fresh) {
    const shown = new Notification(each.dataset.title ?? "crmlink", { body: each.dataset.body });
    shown.addEventListener("click", () => {
      window.focus();
      location.assign(each.dataset.url ?? "/lists");
    });
  }
}

/** Offer to tell, where the browser has not been asked yet. */
function offer() {
  const button = document.getElementById("tell-me");
  if (!button) return;
  button.hidden = !("Notification" in window) || Notification.permission !== "default";
}

document.addEventListener("click", async (event) => {
  const button = /** @type {HTMLElement} */ (event.target).closest("#tell-me");
  if (!button) return;
  await Notification.requestPermission();
  offer();
});
document.addEventListener("htmx:afterSettle", () => {
  notify();
  offer();
});
notify();
offer();
