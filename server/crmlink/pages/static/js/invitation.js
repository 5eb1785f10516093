// @ts-check
// The invitation's token is behind the # of the link, which no server and no log ever sees.
// It is moved into the form and taken out of the address bar and the history.

const field = /** @type {HTMLInputElement | null} */ (document.getElementById("token"));
const token = decodeURIComponent(location.hash.slice(1)).trim();

if (field && token) {
  field.value = token;
  history.replaceState(null, "", location.pathname);
  const box = document.getElementById("token-box");
  const hint = document.getElementById("token-taken");
  if (box) box.hidden = true;
  if (hint) hint.hidden = false;
  document.querySelector("form")?.requestSubmit();
}
