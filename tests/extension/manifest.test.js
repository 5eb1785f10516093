// @ts-check
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { requiredPermissions } from "../../extension/lib/linking/consent.js";

const EXTENSION = new URL("../../extension/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL("manifest.json", EXTENSION), "utf8"));

test("the extension asks for nothing up front but to act where it is clicked", () => {
  assert.deepEqual(manifest.permissions.toSorted(), ["activeTab", "contextMenus", "scripting", "storage"]);
  assert.equal(manifest.host_permissions, undefined);
  assert.equal(manifest.content_scripts, undefined);
  assert.equal(manifest.web_accessible_resources, undefined);
  assert.equal(manifest.externally_connectable, undefined);
});

test("one manifest starts the same background in every browser", () => {
  assert.equal(manifest.manifest_version, 3);
  assert.deepEqual(manifest.background.scripts, [manifest.background.service_worker]);
  assert.equal(manifest.background.type, "module");
});

test("pages run our own scripts only, and reach servers on plain http too", () => {
  const policy = manifest.content_security_policy.extension_pages;
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /script-src 'self'(;|$)/);
  assert.match(policy, /connect-src http: https:/);
  assert.doesNotMatch(policy, /unsafe|upgrade-insecure-requests/);
});

test("a keyboard shortcut opens the popup", () => {
  assert.equal(manifest.commands._execute_action.suggested_key.default, "Alt+Shift+K");
});

test("every file that the manifest names is there, and every icon has the size it says", () => {
  for (const path of [manifest.action.default_popup, manifest.options_ui.page, manifest.background.service_worker]) {
    assert.ok(existsSync(new URL(path, EXTENSION)), path);
  }
  for (const [size, path] of [...Object.entries(manifest.icons), ...Object.entries(manifest.action.default_icon)]) {
    const png = readFileSync(new URL(String(path), EXTENSION));
    assert.equal(png.toString("latin1", 1, 4), "PNG");
    assert.equal(png.readUInt32BE(16), Number(size), String(path));
    assert.equal(png.readUInt32BE(20), Number(size), String(path));
  }
});

test("IT may set the server's address, and nothing else that is secret or that we do not read", () => {
  const schema = JSON.parse(readFileSync(new URL(manifest.storage.managed_schema, EXTENSION), "utf8"));
  assert.equal(schema.type, "object");
  assert.deepEqual(Object.keys(schema.properties), ["server", "only_this_server"]);
});

test("only Firefox, which knows it, is asked for the consent to tell what a person looks at", () => {
  const origins = ["https://go.xero.com/*"];
  assert.deepEqual(requiredPermissions(origins, { origins: [], permissions: [] }), { origins });
  assert.deepEqual(requiredPermissions(origins, { data_collection: [] }), { origins, data_collection: ["browsingActivity"] });
});

test("Firefox is told what leaves the browser", () => {
  const { gecko } = manifest.browser_specific_settings;
  assert.deepEqual(gecko.data_collection_permissions.required, ["personallyIdentifyingInfo", "websiteContent"]);
  assert.deepEqual(gecko.data_collection_permissions.optional, ["browsingActivity"]);
  assert.ok(gecko.id);
  assert.ok(Number.parseInt(gecko.strict_min_version, 10) >= 140);
});
