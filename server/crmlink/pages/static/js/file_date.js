// @ts-check
// Sends a chosen file's own date along: that of its download is nearly that of its export.

for (const input of document.querySelectorAll("input[type=file][data-date-in]")) {
  const file = /** @type {HTMLInputElement} */ (input);
  const date = document.getElementById(file.dataset.dateIn ?? "");
  if (!(date instanceof HTMLInputElement)) continue;
  const note = () => {
    const chosen = file.files?.[0];
    date.value = chosen ? new Date(chosen.lastModified).toISOString() : "";
  };
  file.addEventListener("change", note);
  note();
}
