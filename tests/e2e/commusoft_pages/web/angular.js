// Angular, compiled in the page: reactive forms of the newer layout. options.update: "change" or "blur".

import "@angular/compiler";
import { ChangeDetectorRef, Component, inject, provideZonelessChangeDetection } from "@angular/core";
import { FormControl, FormGroup, ReactiveFormsModule } from "@angular/forms";
import { bootstrapApplication } from "@angular/platform-browser";

const { update = "change" } = PAGE.options;
const text = (value) => value.replace(/[{}<>&"@]/g, (letter) => `&#${letter.charCodeAt(0)};`);

const line = ([label, key, , control]) => `<div class="line"><label for="ng-${key}">${text(label)}</label>
  <input id="ng-${key}" type="text" formControlName="${control}"></div>`;
const seen = ([label, key]) => `<dt>${text(label)}</dt><dd>{{ record["${key}"] }}</dd>`;
const each = (draw) => backend.sections().map(([section, lines]) => draw(section, lines)).join("");

class RecordPage {
  changes = inject(ChangeDetectorRef);
  record = {};
  editing = false;
  said = "";
  form = new FormGroup({});

  constructor() {
    window.commusoftModel = () => this.editing ? { values: this.values(), dirty: this.form.dirty } : null;
    backend.onMove(() => this.load());
    this.load();
  }

  load() {
    this.record = backend.record() ?? {};
    this.editing = false;
    this.draw();
  }

  edit() {
    this.said = "";
    this.form = new FormGroup(Object.fromEntries(this.lines().map(([, key, , control]) =>
      [control, new FormControl(this.record[key] ?? "", { updateOn: update })])));
    this.editing = true;
    this.draw();
  }

  async save() {
    try {
      await backend.save(this.values());
      this.load();
    } catch (error) {
      this.said = error.message;
      this.draw();
    }
  }

  values() {
    return Object.fromEntries(this.lines().map(([, key, , control]) => [key, this.form.value[control]]));
  }

  title() { return backend.title(this.record); }
  lines() { return backend.sections().flatMap(([, lines]) => lines); }

  draw() {
    this.changes.markForCheck();
    setTimeout(() => document.dispatchEvent(
      new CustomEvent("drawn", { detail: { editing: this.editing, root: document.querySelector("#app") } })), 30);
  }
}

const Page = Component({
  selector: "record-page",
  imports: [ReactiveFormsModule],
  template: `<h1>{{ title() }}</h1>
    @if (!editing) {
      <section><h2>Customer <a href="#" role="button" (click)="edit(); $event.preventDefault()">Edit</a></h2>
        ${each((section, lines) => `<h3>${section}</h3><dl>${lines.map(seen).join("")}</dl>`)}</section>
    } @else {
      <form [formGroup]="form" (ngSubmit)="save()">
        ${each((section, lines) => `<h3>${section}</h3>${lines.map(line).join("")}`)}
        <button type="submit">Save</button> <button type="button" (click)="load()">Cancel</button>
        <p class="said" role="alert">{{ said }}</p>
      </form>
    }`,
})(RecordPage) ?? RecordPage;

document.querySelector("#app").append(document.createElement("record-page"));
void bootstrapApplication(Page, { providers: [provideZonelessChangeDetection()] });
