// React: controlled inputs. What is in a field and not in the state is put back at the next drawing.

import { createElement as h, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

function Line({ label, id, value, onChange }) {
  return h("div", { className: "line" },
    h("span", { id: `${id}-label` }, label),
    h("input", { id, "aria-labelledby": `${id}-label`, value, onChange: (event) => onChange(event.target.value) }));
}

function Form({ record, onDone, onCancel }) {
  const keys = backend.sections().flatMap(([, lines]) => lines).map(([, key]) => key);
  const [values, setValues] = useState(() => Object.fromEntries(keys.map((key) => [key, record[key] ?? ""])));
  const [dirty, setDirty] = useState(false);
  const [said, setSaid] = useState("");
  window.commusoftModel = () => ({ values, dirty });
  useEffect(() => () => { window.commusoftModel = () => null; }, []);
  const set = (key) => (value) => {
    setDirty(true);
    setValues((before) => ({ ...before, [key]: value }));
  };
  const save = async (event) => {
    event.preventDefault();
    try {
      await backend.save(values);
      onDone();
    } catch (error) {
      setSaid(error.message);
    }
  };
  return h("form", { onSubmit: save },
    backend.sections().map(([section, lines]) => h("fieldset", { key: section }, h("legend", null, section),
      lines.map(([label, key]) => h(Line, { key, id: `react-${key}`, label, value: values[key], onChange: set(key) })))),
    h("button", null, "Save"), h("button", { type: "button", onClick: onCancel }, "Cancel"),
    h("p", { className: "said", role: "alert" }, said));
}

function View({ record, onEdit }) {
  return h("section", null, h("button", { type: "button", className: "link", onClick: onEdit }, "Edit"),
    backend.sections().map(([section, lines]) => h("div", { key: section }, h("h2", null, section),
      h("dl", null, lines.map(([label, key]) => h("div", { key }, h("dt", null, label), h("dd", null, record[key] ?? "")))))));
}

function Page() {
  const [, redraw] = useState(0);
  const [editing, setEditing] = useState(null);
  useEffect(() => backend.onMove(() => { setEditing(null); redraw((count) => count + 1); }), []);
  useEffect(() => {
    document.dispatchEvent(new CustomEvent("drawn", { detail: { editing: !!editing, root: document.querySelector("#app") } }));
  });
  const record = backend.record();
  if (!record) return null;
  const done = () => { setEditing(null); redraw((count) => count + 1); };
  return h("div", null, h("h1", null, backend.title(record)), editing === backend.here()
    ? h(Form, { key: editing, record, onDone: done, onCancel: done })
    : h(View, { record, onEdit: () => setEditing(backend.here()) }));
}

window.commusoftModel = () => null;
createRoot(document.querySelector("#app")).render(h(Page));
