// @ts-check
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { KNOWN_TYPES, problemScreen } from "../../extension/popup/problem_steps.js";
import { problem } from "../../extension/lib/server/problem.js";

const EXTENSION = new URL("../../extension/", import.meta.url);
/** @param {string} path */
const text = (path) => readFileSync(new URL(path, EXTENSION), "utf8");

/** @type {Record<string, {message: string}>} */
const words = JSON.parse(text("_locales/en_GB/messages.json"));
const sources = readdirSync(EXTENSION, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".js"));
/** A file without its comments. @param {string} path */
const code = (path) => text(path).replace(/^\s*(\/\/|\*|\/\*).*$/gm, "");
const source = sources.map(text).join("\n") + text("manifest.json");

/** Keys that are put together while running. */
const COMPOSED = /^(trouble_|confidence_|found_none_|no_answer_|accept_|care_|ended_|role_|earlier_|detail_)|_(one|other|text)$|^(show_customers|show_suppliers|linking|undoing|resuming|replace_and_link|link_as_well|link_anyway|undo_anyway)$/;

test("every word that is said stands in the messages", () => {
  const calls = [...source.matchAll(/\bt\(([^()]*)[()]/g)].map((found) => found[1]);
  const said = calls.filter((call) => !call.startsWith("`")).flatMap((call) => [...call.matchAll(/"([a-z_]{4,})"/g)].map((found) => found[1]));
  const manifest = [...source.matchAll(/__MSG_([a-z_]+)__/g)].map((found) => found[1]);
  assert.ok(said.length > 80);
  assert.deepEqual([...said, ...manifest].filter((key) => !words[key]), []);
});

test("every counted word has its one and its many", () => {
  const counted = [...source.matchAll(/\btCount\("([a-z_]+)"/g)].map((found) => found[1]);
  assert.ok(counted.length > 3);
  for (const key of counted) assert.ok(words[`${key}_one`] && words[`${key}_other`], key);
});

test("no message is left over that nobody says", () => {
  const unsaid = Object.keys(words).filter((key) => !COMPOSED.test(key) && !source.includes(`"${key}"`) && !source.includes(`MSG_${key}_`));
  assert.deepEqual(unsaid, []);
});

test("every known problem has a title, a sentence and a next step", () => {
  for (const type of [...KNOWN_TYPES, "something-new"]) {
    const trouble = problemScreen(problem(type), false);
    assert.ok(words[trouble.title], trouble.title);
    assert.ok(words[trouble.text], trouble.text);
    assert.ok(trouble.steps.length > 0, type);
  }
});

test("the same decision is offered again only where there was one", () => {
  assert.deepEqual(problemScreen(problem("commusoft-busy"), true).steps, ["again"]);
  assert.deepEqual(problemScreen(problem("commusoft-busy"), false).steps, ["start"]);
});

test("the words are UK English and end like sentences where they are sentences", () => {
  const all = Object.entries(words).map(([key, { message }]) => `${key}: ${message}`);
  assert.deepEqual(all.filter((line) => /\b(color|organization|recognize|canceled|center|behavior)\b/i.test(line)), []);
  const texts = Object.entries(words).filter(([key]) => /^trouble_.*_text$/.test(key));
  assert.deepEqual(texts.filter(([, { message }]) => !/[.?]$/.test(message)), []);
});

/** Words that an office does not use, or for which there is another: one word for one thing. */
const UNUSED = /\b(carr(y|ies)|stands|press(ed)?|somebody|anybody|nobody|whoever|log-?ins?|meanwhile|by itself|go on|look again|sandbox|per cent|percent|package|lapsed|server|settled|anew|throw|take (away|back)|is over|e-mail|houses?|records?)\b|\d\s%/i;

test("the words are those that an office uses", () => {
  const found = Object.entries(words).filter(([, { message }]) => UNUSED.test(message)).map(([key, { message }]) => `${key}: ${message}`);
  assert.deepEqual(found, []);
  assert.match("Somebody pressed Look again.", UNUSED);
});

test("no page builds markup out of data", () => {
  assert.deepEqual(sources.filter((path) => /innerHTML|outerHTML|insertAdjacentHTML|document\.write|new Function|\beval\(/.test(text(path))), []);
});

test("only the background and the pages touch the browser", () => {
  const touching = sources.filter((path) => path.startsWith("lib/") && /\b(chrome|browser)\.[a-z]/i.test(code(path)));
  assert.deepEqual(touching, []);
});

test("only the background reads the storage where the tokens lie", () => {
  assert.deepEqual(sources.filter((path) => /chrome\.storage/.test(code(path)) && path !== "background.js"), []);
});

test("nothing is written to the log", () => {
  assert.deepEqual(sources.filter((path) => /console\./.test(text(path))), []);
});

test("no sentence about what does not work says by itself that nothing was changed", () => {
  const claims = Object.entries(words).filter(([key, { message }]) => /Nothing was changed|nothing was linked/i.test(message) && key !== "nothing_changed");
  assert.deepEqual(claims, [], "the screen says it, where it is true");
});
