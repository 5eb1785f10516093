// @ts-check
// Our panels lie over everything in a page, and in its modal dialog where it has one open: that lets nothing beside
// itself be reached.

(() => {
  const world = /** @type {import("../lib/commusoft/types.js").OnTop} */ (/** @type {unknown} */ (globalThis));
  const MAX_RETURNS = 30; // a page that throws the panel out again and again

  /** @param {Document | ShadowRoot} root @returns {Element[]} */
  function modalsIn(root) {
    try {
      return [...root.querySelectorAll("dialog:modal")];
    } catch {
      return []; // a browser that does not know the word
    }
  }

  function place() {
    const roots = world.crmlinkPage?.rootsOf(document) ?? [document];
    return roots.flatMap((root) => (root === document || root.nodeType === 11 ? modalsIn(root) : [])).at(-1) ?? document.documentElement;
  }

  world.crmlinkOnTop = (host, root) => {
    let returns = 0;
    let isShown = false;
    host.setAttribute("popover", "manual");

    function put() {
      const at = place();
      if (host.parentNode === at) return;
      const focused = /** @type {HTMLElement | null} */ (root.activeElement);
      at.append(host);
      // Into the browser's top layer: a dialog may clip or move what is in it.
      host.showPopover?.();
      focused?.focus({ preventScroll: true });
    }

    const watch = new MutationObserver((changes) => {
      if (!isShown) return;
      if (host.isConnected ? changes.some((one) => one.type === "attributes") : (returns += 1) <= MAX_RETURNS) put();
    });
    watch.observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ["open"] });

    return {
      show() {
        isShown = true;
        put();
      },
      hide() {
        isShown = false;
        host.remove();
      },
      leave() {
        watch.disconnect();
        isShown = false;
        host.remove();
      },
    };
  };
})();
