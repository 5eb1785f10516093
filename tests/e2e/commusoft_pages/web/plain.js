// No framework. The older layout loads the page again after a save, the newer one draws itself again.
// options.labelling says how a field is labelled, options.where in what it is: the page, a frame, an open shadow root, a
// modal dialog that stays in the page when it is closed, or one in an open shadow root.

(() => {
  const { labelling = "for", where = "page" } = PAGE.options;
  let root = document.querySelector("#app");
  let editing = false;

  const element = (name, attributes = {}, ...children) => {
    const made = root.ownerDocument.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };

  const LABELLING = {
    for: (label, input) => [element("label", { for: input.id }, label), input],
    wrap: (label, input) => [element("label", {}, label, " ", input)],
    "aria-label": (label, input) => { input.setAttribute("aria-label", label); return [element("span", {}, "·"), input]; },
    "aria-labelledby": (label, input) => {
      input.setAttribute("aria-labelledby", `${input.id}-label`);
      return [element("div", { id: `${input.id}-label` }, label), element("div", {}, input)];
    },
    sibling: (label, input) => [element("div", { class: "caption" }, `${label}:`), element("div", {}, input)],
  };

  function line(label, input) {
    if (labelling !== "table") return element("div", { class: "line" }, ...LABELLING[labelling](label, input));
    return element("tr", {}, element("th", {}, label), element("td", {}, input));
  }

  function form() {
    const record = backend.record();
    const fields = element("form", { id: "editcustomer" });
    for (const [section, lines] of backend.sections()) {
      fields.append(element("h2", {}, section), element(labelling === "table" ? "table" : "div", {}, ...lines.map(([label, key, name]) => {
        const input = element("input", { id: `plain-${key}`, name, "data-key": key });
        input.value = record[key] ?? "";
        return line(label, input);
      })));
    }
    const said = element("p", { class: "said", role: "alert" });
    const cancel = element("button", { type: "button" }, "Cancel");
    cancel.addEventListener("click", () => draw(false));
    fields.append(element("button", {}, "Save"), cancel, said);
    fields.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        await backend.save(model());
      } catch (error) {
        said.textContent = error.message;
        return;
      }
      if (PAGE.layout === "old" && where === "page") location.reload();
      else draw(false);
    });
    return fields;
  }

  function view() {
    const record = backend.record();
    const edit = element("a", { href: "#", class: "edit" }, "Edit");
    edit.addEventListener("click", (event) => { event.preventDefault(); draw(true); });
    return element("div", {}, edit, ...backend.sections().flatMap(([section, lines]) => [
      element("h2", {}, section),
      element("dl", {}, ...lines.flatMap(([label, key]) => [element("dt", {}, label), element("dd", {}, record[key] ?? "")])),
    ]));
  }

  function draw(edit) {
    editing = edit;
    const record = backend.record();
    if (where.endsWith("dialog")) return drawDialog(record);
    root.replaceChildren(...(record ? [element("h1", {}, backend.title(record)), edit ? form() : view()] : []));
    document.dispatchEvent(new CustomEvent("drawn", { detail: { editing, root } }));
  }

  const dialog = document.createElement("dialog");

  function drawDialog(record) {
    root.replaceChildren(...(record ? [element("h1", {}, backend.title(record)), view()] : []), dialog);
    dialog.replaceChildren(...(editing ? [element("h1", {}, backend.title(record)), form()] : []));
    if (editing) dialog.showModal();
    else if (dialog.open) dialog.close();
    document.dispatchEvent(new CustomEvent("drawn", { detail: { editing, root } }));
  }

  const model = () => Object.fromEntries([...root.querySelectorAll("[data-key]")].map((input) => [input.dataset.key, input.value]));
  window.commusoftModel = () => (editing ? { values: model(), dirty: null } : null);

  function settle() {
    if (where.startsWith("shadow")) root = root.attachShadow({ mode: "open" });
    backend.onMove(() => draw(false));
    draw(false);
  }

  if (where !== "frame") return settle();
  const frame = document.createElement("iframe");
  frame.width = "900";
  frame.height = "900";
  frame.addEventListener("load", () => { root = frame.contentDocument.body; settle(); }, { once: true });
  frame.srcdoc = "<!doctype html><body></body>";
  root.append(frame);
})();
