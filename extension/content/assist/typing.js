// @ts-check
// What is typed into the page: by a person, which is not lost by loading the page again, or by a script.

(() => {
  const own = /** @type {{crmlinkPanel: import("./types.js").PanelTools, crmlinkPage: import("../../lib/commusoft/types.js").PageTools}} */ (/** @type {unknown} */ (globalThis));

  /**
   * @param {(target: EventTarget | undefined) => void} onInput
   * @param {AbortSignal} signal ends it
   * @returns {import("./types.js").Typing}
   */
  function watchTyping(onInput, signal) {
    const touched = new WeakSet();
    /** For as long as it is on the page. @type {Set<HTMLElement>} */
    const typedInto = new Set();
    const watched = new WeakSet();

    /** @param {Event} event */
    function typed(event) {
      const [target] = event.composedPath();
      onInput(target);
      // What crmlink fills is not the person's.
      if (!target || !event.isTrusted) return;
      touched.add(target);
      for (const one of typedInto) if (!one.isConnected) typedInto.delete(one);
      typedInto.add(/** @type {HTMLElement} */ (target));
    }

    /** What is typed in a frame is heard only there. */
    function watchFrames() {
      for (const root of own.crmlinkPage.rootsOf(document)) {
        if (root.nodeType !== 9 || watched.has(root)) continue;
        watched.add(root);
        root.addEventListener("input", typed, { capture: true, signal });
      }
    }

    /** @param {HTMLElement} one */
    const isUnsaved = (one) => one.isConnected && own.crmlinkPage.isVisible(one) && (one.isContentEditable || ("value" in one && one.value !== /** @type {HTMLInputElement} */ (one).defaultValue));

    return { touched, watchFrames, holdsUnsaved: () => [...typedInto].some(isUnsaved) };
  }

  own.crmlinkPanel.watchTyping = watchTyping;
})();
