// @ts-check
// A record's page: Edit opens the form in the page, Cancel closes it. The newer layout saves without leaving the page.

const page = () => /** @type {HTMLElement | null} */ (document.querySelector("#record-view"));
const form = () => /** @type {HTMLFormElement | null} */ (document.querySelector("#editcustomer, #record-form"));

/** @param {boolean} editing */
function show(editing) {
  const [view, fields] = [page(), form()];
  if (view) view.hidden = editing;
  if (fields) fields.hidden = !editing;
}

/** @param {string} name of a field; "" for the form itself
 * @param {string} text */
function showError(name, text) {
  const place = document.querySelector(`[data-error="${CSS.escape(name)}"]`);
  if (place) place.textContent = text;
}

/** @param {HTMLFormElement} fields */
async function save(fields) {
  for (const place of fields.querySelectorAll("[data-error]")) place.textContent = "";
  const inputs = /** @type {NodeListOf<HTMLInputElement>} */ (fields.querySelectorAll("input[formcontrolname]"));
  const sent = Object.fromEntries([...inputs].map((input) => [input.getAttribute("formcontrolname"), input.value]));
  let answer;
  try {
    answer = await fetch(location.pathname, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Form-Token": document.body.dataset.formToken ?? "" },
      body: JSON.stringify(sent),
    });
  } catch {
    return showError("", "It could not be saved. Try again.");
  }
  if (answer.status === 401) return showError("", "Your session has expired. Log in again in another tab.");
  if (answer.status === 422) {
    const { errors } = await answer.json();
    for (const [name, text] of Object.entries(errors)) showError(name, text);
    return;
  }
  if (!answer.ok) return showError("", "It could not be saved. Try again.");
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.querySelector("main")?.replaceWith(/** @type {Element} */ (fresh.querySelector("main")));
}

document.addEventListener("click", (event) => {
  const target = /** @type {Element} */ (event.target);
  if (target.closest(".edit")) {
    event.preventDefault();
    show(true);
  } else if (target.closest(".cancel")) {
    form()?.reset();
    show(false);
  }
});

document.addEventListener("submit", (event) => {
  const fields = form();
  if (event.target !== fields || fields?.dataset.sends !== "json") return;
  event.preventDefault();
  void save(fields);
});

export {};
