// @ts-check
// The button beside a secret that is shown once. Without JavaScript the text can be selected.

for (const button of document.querySelectorAll("button[data-copies]")) {
  const source = document.getElementById(/** @type {HTMLElement} */ (button).dataset.copies ?? "");
  const notice = document.getElementById("copied");
  if (!source) continue;
  /** @type {HTMLElement} */ (button).hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.textContent ?? "");
      if (notice) notice.textContent = "Copied.";
    } catch {
      getSelection()?.selectAllChildren(source);
      if (notice) notice.textContent = "Select it and press Ctrl+C: this browser does not let a page copy.";
    }
  });
}
