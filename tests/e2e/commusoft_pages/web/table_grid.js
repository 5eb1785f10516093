// The table Link Customers and Suppliers as a Handsontable: only the rows in view are drawn, and a cell is no field.

(() => {
  const { kind = "customer", ids = false } = PAGE.options;
  const app = document.querySelector("#app");
  app.innerHTML = `<h1>Link Customers and Suppliers</h1><button id="save">Save Accounting References</button>
    <p class="said" role="alert"></p><div id="grid"></div>`;
  const rows = backend.records(kind).map(([id, record]) => ({
    id, number: id.split("-")[1], name: backend.title(record), address: backend.address(record), reference: record.reference ?? "",
  }));
  const hot = new Handsontable(document.querySelector("#grid"), {
    data: rows,
    columns: [...(ids ? [{ data: "number", readOnly: true }] : []),
      { data: "name", readOnly: true }, { data: "address", readOnly: true }, { data: "reference" }],
    colHeaders: [...(ids ? ["ID"] : []), "Customer", "Address", "Accounting reference"],
    rowHeaders: true, height: 420, width: 980, colWidths: [...(ids ? [70] : []), 260, 380, 220], columnSorting: true,
  });
  window.grid = hot;
  window.commusoftModel = () => ({ values: Object.fromEntries(rows.map((row) => [row.id, row.reference])) });
  const said = document.querySelector(".said");
  document.querySelector("#save").addEventListener("click", async () => {
    const changed = rows.filter((row) => (row.reference ?? "") !== (backend.record(row.id).reference ?? ""));
    try {
      await backend.change(Object.fromEntries(changed.map((row) => [row.id, { reference: row.reference ?? "" }])));
      said.textContent = `${changed.length} saved`;
    } catch (error) {
      said.textContent = error.message;
    }
  });
})();
