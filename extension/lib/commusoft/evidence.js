// @ts-check
// Whether what a page shows is what Commusoft holds, or only what was typed.

(() => {
  const tools = /** @type {{crmlinkPage: import("./types.js").PageTools}} */ (/** @type {unknown} */ (globalThis)).crmlinkPage;
  const { isVisible, rootsOf, textOf } = tools;

  const SAYS = "[role=alert], [aria-live=assertive], .alert-danger, .alert-error, .alert-warning, .toast-error, .toast-warning, .error-message, .notification-error, .mat-mdc-snack-bar-label, .mat-snack-bar-container, .growl-error";
  const FAILURE = /\b(?:fail(?:ed|ure)?|errors?|could ?n[o'\u2019]t|cannot|can['\u2019]t|unable|not (?:be )?saved|try again|went wrong|problem|session (?:has )?(?:expired|ended|timed out))\b/i;
  const REMARKS = "[role=alert], [role=status], [aria-live], .alert, .banner, .notice, .toast, .callout, .badge, button, a";
  const UNSAVED = /\bunsaved\b|\bnot (?:yet )?(?:been )?saved\b|\bdraft (?:was |has been )?(?:restored|recovered)\b|\brestored (?:your |a |the )?draft\b|\b(?:discard|restore) (?:the |your )?(?:draft|changes)\b/i;
  /** Later than this after a page was opened, a person may have typed before we were there. */
  const JUST_OPENED = 20_000;

  /**
   * Whether a field that can be typed into holds what the page came with: no one typed into it, and the browser did not
   * put back what was typed before a reload.
   * @param {HTMLInputElement} field
   * @param {{touched: WeakSet<EventTarget>, since: number}} watch fields that were typed into, and since when we know
   */
  function isAsLoaded(field, { touched, since }) {
    if (touched.has(field) || field.classList.contains("ng-dirty") || since > JUST_OPENED) return false;
    if (field.classList.contains("ng-pristine") || field.defaultValue === field.value) return true;
    const [opened] = /** @type {PerformanceNavigationTiming[]} */ (field.ownerDocument.defaultView?.performance.getEntriesByType?.("navigation") ?? []);
    return opened?.type === "navigate";
  }

  /** Where the page says that something did not work. @param {Document} document */
  function failuresIn(document) {
    return rootsOf(document).flatMap((root) => [...root.querySelectorAll(SAYS)].filter((one) => isVisible(one) && FAILURE.test(textOf(one))));
  }

  /** Whether the page says that it shows what was never saved: some keep what was typed, and bring it back. @param {Document} document */
  function holdsDraft(document) {
    return rootsOf(document).some((root) => [...root.querySelectorAll(REMARKS)].some((one) => UNSAVED.test(one.textContent ?? "") && isVisible(one)));
  }

  Object.assign(tools, { failuresIn, holdsDraft, isAsLoaded });
})();
