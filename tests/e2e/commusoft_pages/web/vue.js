// Vue: options.lazy binds with v-model.lazy, which takes a value over on change only.

(() => {
  const bind = PAGE.options.lazy ? "v-model.lazy" : "v-model";
  const TEMPLATE = `
    <h1>{{ title }}</h1>
    <section v-if="!editing"><template v-for="([section, lines], place) in sections"><h2>{{ section }} <a v-if="!place" href="#" @click.prevent="edit">Edit</a></h2>
      <dl><template v-for="line in lines"><dt>{{ line[0] }}</dt><dd>{{ record[line[1]] }}</dd></template></dl></template></section>
    <form v-else @submit.prevent="save"><template v-for="[section, lines] in sections"><h2>{{ section }}</h2>
      <label v-for="line in lines" :key="line[1]" class="line"><span>{{ line[0] }}</span> <input ${bind}="draft[line[1]]"></label></template>
      <button>Save</button> <button type="button" @click="load">Cancel</button><p class="said" role="alert">{{ said }}</p></form>`;

  const app = Vue.createApp({
    template: TEMPLATE,
    data: () => ({ record: {}, sections: [], editing: false, draft: {}, first: "", said: "" }),
    computed: { title() { return backend.title(this.record); } },
    methods: {
      load() {
        Object.assign(this, { record: backend.record() ?? {}, sections: backend.sections(), editing: false, said: "" });
      },
      edit() {
        const keys = this.sections.flatMap(([, lines]) => lines).map(([, key]) => key);
        this.draft = Object.fromEntries(keys.map((key) => [key, this.record[key] ?? ""]));
        this.first = JSON.stringify(this.draft);
        this.editing = true;
      },
      async save() {
        try {
          await backend.save({ ...this.draft });
          this.load();
        } catch (error) {
          this.said = error.message;
        }
      },
    },
    watch: { editing: { flush: "post", handler(editing) {
      document.dispatchEvent(new CustomEvent("drawn", { detail: { editing, root: document.querySelector("#app") } }));
    } } },
    created() {
      this.load();
      backend.onMove(() => this.load());
      window.commusoftModel = () => this.editing
        ? { values: { ...this.draft }, dirty: JSON.stringify(this.draft) !== this.first } : null;
    },
  });
  app.mount("#app");
})();
