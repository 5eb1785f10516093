// What is beside the true field, or takes its place. Drawn anew whenever the page draws itself.

(() => {
  const LABEL = () => backend.label();
  const place = document.createElement("div");
  place.id = "beside";

  const field = (root) => root.querySelector('[data-key=reference], [name="customerDetails.c_27"], #ng-reference, #react-reference')
    ?? [...root.querySelectorAll("label.line")].find((line) => line.textContent.trim() === LABEL())?.querySelector("input");
  const other = (root) => root.querySelector('[data-key=account_number], [name="customerDetails.c_31"], #ng-account_number, #react-account_number')
    ?? [...root.querySelectorAll("label.line")].find((line) => line.textContent.trim() === "Account number")?.querySelector("input");

  /** Past every framework's own setter, as a script of the page would do it. */
  const put = (input, value) => Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(input, value);
  const line = (label, input, style = "") => `<div class="line" style="${style}"><label for="decoy">${label}</label>${input}</div>`;
  const beside = (html) => { place.insertAdjacentHTML("beforeend", html); };

  /** Changes what is typed before the framework sees it. */
  function rewriting(root, change) {
    root.addEventListener("input", (event) => {
      if (event.target === field(root)) put(event.target, change(event.target.value));
    }, true);
  }

  const once = new Set();
  const onlyOnce = (name, work) => { if (!once.has(name)) { once.add(name); work(); } };

  const WHILE_EDITING = {
    "two-fields": () => beside(line(LABEL(), '<input id="decoy">')),
    "hidden-twin": () => beside(line(LABEL(), '<input id="decoy">', "display: none")),
    "invisible-twin": () => beside(line(LABEL(), '<input id="decoy">', "visibility: hidden")),
    "see-through-twin": () => beside(line(LABEL(), '<input id="decoy">', "opacity: 0; position: absolute")),
    "off-screen-twin": () => beside(line(LABEL(), '<input id="decoy">', "position: absolute; left: -9999px")),
    "hidden-type-twin": () => beside(`<label for="decoy">${LABEL()}</label><input id="decoy" type="hidden">`),
    "help-text": () => beside(`<div class="line"><label for="decoy">Notes</label><input id="decoy">
      <p class="help">Not to be mixed up with the ${LABEL()}, which your accounting package gives.</p></div>`),
    "reference-2": () => beside(line(`${LABEL()} 2`, '<input id="decoy">')),
    "reference-2-only": () => beside(line(`${LABEL()} 2`, '<input id="decoy">')),
    "longer-label": () => beside(line(`Previous ${LABEL()}`, '<input id="decoy">')),
    readonly: ({ input }) => input.setAttribute("readonly", ""),
    "aria-readonly": ({ input }) => input.setAttribute("aria-readonly", "true"),
    disabled: ({ input }) => input.setAttribute("disabled", ""),
    "disabled-fieldset": ({ input }) => {
      const fieldset = document.createElement("fieldset");
      fieldset.disabled = true;
      input.replaceWith(fieldset);
      fieldset.append(input);
    },
    select2: () => beside(`<div class="line"><label for="decoy">${LABEL()}</label><select id="decoy" class="select2-hidden-accessible"
      style="position: absolute; width: 1px; height: 1px; clip: rect(0 0 0 0)"><option>None</option></select>
      <span class="select2 select2-container"><span class="select2-dropdown"><input class="select2-search__field" type="search"
      role="searchbox" aria-label="${LABEL()}"></span></span></div>`),
    "closed-shadow": () => {
      const host = document.createElement("div");
      host.attachShadow({ mode: "closed" }).innerHTML = line(LABEL(), '<input id="decoy">');
      place.append(host);
    },
    "cross-origin-frame": () => beside('<iframe src="https://elsewhere.example/frame.html" width="600" height="80"></iframe>'),
    "far-label": () => beside(`<p>${LABEL()}</p><div style="height: 900px"></div><hr><h3>Elsewhere</h3><div><div><input id="decoy"></div></div>`),
    number: () => beside(line(LABEL(), '<input id="decoy" type="number">')),
    password: () => beside(line(LABEL(), '<input id="decoy" type="password">')),
    checkbox: () => beside(line(LABEL(), '<input id="decoy" type="checkbox">')),
    "email-type": () => beside(line(LABEL(), '<input id="decoy" type="email">')),
    file: () => beside(line(LABEL(), '<input id="decoy" type="file">')),
    textarea: () => beside(line(LABEL(), '<textarea id="decoy"></textarea>')),
    select: () => beside(line(LABEL(), '<select id="decoy"><option></option><option>A</option></select>')),
    contenteditable: () => beside(`<div class="line"><span id="decoy-label">${LABEL()}</span>
      <div id="decoy" contenteditable role="textbox" aria-labelledby="decoy-label"></div></div>`),
    "job-form": () => beside(`<section><h2>Job 10011</h2>${line("Description", '<input value="Boiler service">')}
      <div class="line"><label>${LABEL()} <input id="decoy"></label></div></section>`),
    "signs-conflict": ({ root, input }) => {
      // The label's words are beside one field, and its "for" names another.
      const town = root.querySelector('[data-key=town], [name="town"], #ng-town, #react-town');
      const label = input.closest(".line, .control-group")?.querySelector("label");
      if (town && label) label.htmlFor = town.id ||= "decoy-town";
    },
    "max-length": ({ input }) => input.setAttribute("maxlength", "10"),
    trims: ({ root }) => onlyOnce("trims", () => rewriting(root, (value) => value.trim())),
    "upper-cases": ({ root }) => onlyOnce("upper-cases", () => rewriting(root, (value) => value.toUpperCase())),
    "cuts-off": ({ root }) => onlyOnce("cuts-off", () => rewriting(root, (value) => value.slice(0, 10))),
    "clears-on-blur": ({ root }) => onlyOnce("clears-on-blur", () => root.addEventListener("focusout", (event) => {
      if (event.target !== field(root)) return;
      put(event.target, "");
      event.target.dispatchEvent(new Event("input", { bubbles: true }));
      event.target.dispatchEvent(new Event("change", { bubbles: true }));
    })),
    "puts-back-later": ({ root }) => onlyOnce("puts-back-later", () => root.addEventListener("change", (event) => {
      if (event.target !== field(root)) return;
      setTimeout(() => {
        put(event.target, "");
        event.target.dispatchEvent(new Event("input", { bubbles: true }));
      }, 300);
    })),
    copies: ({ root }) => onlyOnce("copies", () => root.addEventListener("input", (event) => {
      if (event.target !== field(root)) return;
      const copy = other(root);
      put(copy, event.target.value);
      copy.dispatchEvent(new Event("input", { bubbles: true }));
    })),
    "replaced-on-focus": ({ root }) => onlyOnce("replaced-on-focus", () => root.addEventListener("focusin", (event) => {
      if (event.target !== field(root) || event.target.dataset.fresh) return;
      const fresh = event.target.cloneNode();
      fresh.dataset.fresh = "yes";
      event.target.replaceWith(fresh);
    })),
    "moves-on-input": ({ root }) => onlyOnce("moves-on-input", () => root.addEventListener("input", (event) => {
      if (event.target === field(root)) setTimeout(() => backend.go(location.pathname.replace("1001", "1002")));
    })),
  };

  const ALWAYS = {
    "modal-open": () => beside(modal()),
    "modal-only": () => beside(modal()),
    "grid-filter": () => beside(grid()),
    "grid-filter-only": () => beside(grid()),
    placeholder: () => beside(`<input id="decoy" type="search" placeholder="${LABEL()}">`),
    "placeholder-only": () => beside(`<input id="decoy" type="search" placeholder="${LABEL()}">`),
  };

  const modal = () => `<div class="modal" role="dialog" aria-modal="true" aria-label="Edit supplier" style="position: fixed; inset: 60px; background: #fff; border: 1px solid">
    <h2>Northgate Plumbing Supplies Ltd</h2><form>${line("Company name", '<input value="Northgate Plumbing Supplies Ltd">')}
    <div class="line"><label>${LABEL()} <input id="decoy"></label></div><button type="button">Save</button></form></div>`;
  const grid = () => `<table><thead><tr><th>Contact</th><th>${LABEL()}</th></tr>
    <tr><th><input aria-label="Filter"></th><th><input id="decoy" type="text"></th></tr></thead>
    <tbody><tr><td>Aisha Khan</td><td>c1a7e0d2</td></tr></tbody></table>`;

  document.addEventListener("drawn", ({ detail: { editing, root } }) => {
    place.replaceChildren();
    const parent = root instanceof ShadowRoot || root.ownerDocument !== document ? root : document.querySelector("#shell");
    if (place.parentNode !== parent) parent.append(place);
    for (const name of PAGE.decoys) {
      ALWAYS[name]?.();
      if (editing) WHILE_EDITING[name]?.({ root, input: field(root) });
    }
    window.drawnEditing = editing;
  });

  /** Whether anything that is no field of the record holds a value that was not there before. */
  window.decoyValues = () => [...place.querySelectorAll("#decoy")].map((it) => it.value ?? it.textContent);
  window.unknownDecoys = () => PAGE.decoys.filter((name) => !ALWAYS[name] && !WHILE_EDITING[name]);
})();
