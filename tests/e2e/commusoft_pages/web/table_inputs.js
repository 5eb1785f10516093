// The table Link Customers and Suppliers as inputs, by Vue. options.ids shows each record's number.

(() => {
  const { kind = "customer", ids = false } = PAGE.options;
  Vue.createApp({
    template: `<h1>Link Customers and Suppliers</h1><input v-model="wanted" placeholder="Search">
      <table id="link"><thead><tr><th v-if="ids">ID</th><th @click="sort">Customer</th><th>Address</th><th>Accounting reference</th></tr></thead>
      <tbody><tr v-for="row in shown" :key="row.id"><td v-if="ids">{{ row.number }}</td><td>{{ row.name }}</td><td>{{ row.address }}</td>
      <td><input type="text" v-model="row.reference"></td></tr></tbody></table>
      <button @click="save">Save Accounting References</button><p class="said" role="alert">{{ said }}</p>`,
    data: () => ({ rows: [], wanted: "", down: false, said: "", ids }),
    computed: {
      shown() {
        const rows = this.rows.filter((row) => row.name.toLowerCase().includes(this.wanted.toLowerCase()));
        return this.down ? rows.reverse() : rows;
      },
    },
    methods: {
      sort() { this.down = !this.down; },
      async save() {
        const changed = this.rows.filter((row) => row.reference !== backend.record(row.id).reference);
        try {
          await backend.change(Object.fromEntries(changed.map((row) => [row.id, { reference: row.reference }])));
          this.said = `${changed.length} saved`;
        } catch (error) {
          this.said = error.message;
        }
      },
    },
    created() {
      this.rows = backend.records(kind).map(([id, record]) => ({
        id, number: id.split("-")[1], name: backend.title(record), address: backend.address(record), reference: record.reference ?? "",
      }));
      window.commusoftModel = () => ({ values: Object.fromEntries(this.rows.map((row) => [row.id, row.reference])) });
    },
  }).mount("#app");
})();
