// What every page shares: the records behind it, how a save goes, and moving between records without loading.
// PAGE is written into each page: { run, framework, layout, options, decoys, records }.

window.backend = (() => {
  const KEY = `commusoft:${PAGE.run}`;
  const FIRST = { records: PAGE.records, faults: {}, saves: [] };
  const read = () => JSON.parse(localStorage.getItem(KEY) ?? "null") ?? FIRST;
  const write = (state) => localStorage.setItem(KEY, JSON.stringify(state));
  const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

  const RECORD = /^\/(customers\/customer|customers\/customer_list|suppliers\/list_supplier)\/(\d+)\//;

  /** The id of the record that the address names, as "customer-1001". */
  function here() {
    const found = RECORD.exec(location.pathname);
    return found && `${found[1].startsWith("suppliers") ? "supplier" : "customer"}-${found[2]}`;
  }

  async function change(changes) {
    const state = read();
    await wait(state.faults.slow ?? 20);
    if (state.faults.session) {
      logIn();
      throw new Error("Your session has expired");
    }
    if (state.faults.failOnce) {
      write({ ...state, faults: { ...state.faults, failOnce: false } });
      throw new Error("Something went wrong. Please try again");
    }
    const now = read();
    for (const [id, values] of Object.entries(changes)) {
      const kept = state.faults.drop ? { ...values, reference: now.records[id].reference } : values;
      now.records[id] = { ...now.records[id], ...kept };
      now.saves.push({ id, values });
    }
    write(now);
  }

  /** What the application shows once no one is logged in: the address stays. */
  function logIn() {
    document.querySelector("#shell").innerHTML = `<form><h1>Log in</h1>
      <label for="logintype_username">Username</label><input id="logintype_username" name="logintype_username">
      <label for="logintype_password">Password</label><input id="logintype_password" type="password">
      <button type="button">Log in</button></form>`;
  }

  const LABELS = { old: "Third party accounting ref", new: "Third-Party Reference", supplier: "Accounting reference" };
  const label = () => PAGE.options.label ?? LABELS[here()?.startsWith("supplier") ? "supplier" : PAGE.layout];

  /** Sections and their fields: [label, key, name in the older layout, formcontrolname in the newer one]. */
  const sections = () => [
    ["Details", [["First name", "first_name", "name", "name"], ["Surname", "surname", "customerDetails.surname", "surname"],
      ["Company name", "company", "customerDetails.companyname", "companyname"]]],
    ["Contact", [["Email", "email", "customerEmail", "emailaddress"], ["Mobile", "mobile", "customerMobile", "mobile"]]],
    ["Address", [["Address line 1", "line1", "addressline1", "addressline1"],
      ["Address line 2", "line2", "addressline2", "addressline2"], ["Town", "town", "town", "town"],
      ["Postcode", "postcode", "postcode", "postcode"]]],
    ["Other details", [["Account number", "account_number", "customerDetails.c_31", "c_31"],
      ...(PAGE.decoys.some((name) => INSTEAD.includes(name)) ? [] : [[label(), "reference", "customerDetails.c_27", "c_27"]])]],
  ];

  // Decoys that take the true field's place.
  const INSTEAD = ["reference-2-only", "select2", "cross-origin-frame", "closed-shadow", "far-label", "number", "contenteditable",
    "password", "textarea", "checkbox", "select", "email-type", "grid-filter-only", "placeholder-only", "modal-only", "file"];

  const listeners = [];
  return {
    here, label, sections, change, logIn,
    record: (id = here()) => read().records[id],
    records: (kind) => Object.entries(read().records).filter(([id]) => id.startsWith(kind)),
    title: (record) => record.company || `${record.first_name} ${record.surname}`.trim(),
    address: (record) => [record.line1, record.line2, record.town, record.postcode].filter(Boolean).join(", "),
    save: (values, id = here()) => change({ [id]: values }),
    state: read,
    fault: (faults) => write({ ...read(), faults: { ...read().faults, ...faults } }),
    put: (id, values) => { const state = read(); Object.assign(state.records[id], values); write(state); },
    /** Another record in the same document. */
    go(path) {
      history.pushState(null, "", path);
      for (const listener of listeners) listener();
    },
    onMove: (listener) => { listeners.push(listener); addEventListener("popstate", listener); },
  };
})();
