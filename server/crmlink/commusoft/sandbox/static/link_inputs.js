// @ts-check
// The table of fields: sends what was changed, and hides rows that do not fit the filter.

const fields = /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll("#link-table input")]);
const saveButton = /** @type {HTMLButtonElement} */ (document.querySelector("#save"));
const said = /** @type {HTMLElement} */ (document.querySelector("#said"));
const filter = /** @type {HTMLInputElement} */ (document.querySelector("#filter"));

saveButton.addEventListener("click", async () => {
  const changed = fields.filter((field) => field.value !== field.defaultValue);
  said.textContent = "Saving…";
  try {
    const answer = await fetch(saveButton.dataset.save ?? "", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Form-Token": document.body.dataset.formToken ?? "" },
      body: JSON.stringify({ references: Object.fromEntries(changed.map((field) => [field.dataset.record, field.value])) }),
    });
    const { saved, message } = await answer.json();
    said.textContent = answer.ok ? `${saved} saved` : message;
    if (answer.ok) for (const field of changed) field.defaultValue = field.value;
  } catch {
    said.textContent = "They could not be saved. Try again.";
  }
});

filter.addEventListener("input", () => {
  const wanted = filter.value.toLowerCase();
  for (const field of fields) {
    const row = /** @type {HTMLTableRowElement} */ (field.closest("tr"));
    row.hidden = !row.cells[0]?.textContent?.toLowerCase().includes(wanted);
  }
});

export {};
