// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";

import { createApi } from "../../extension/lib/server/api.js";
import { createProver } from "../../extension/lib/server/dpop.js";
import { createRequester } from "../../extension/lib/server/request.js";
import { outcomeUnknown, seenAtAddress } from "../../extension/lib/server/problem.js";
import { noAnswer } from "../../extension/lib/server/wrong_answer.js";
import { ACCESS, CONNECTION, fakeKeys, fakeServer, fakeStore, KEY_PAIR, lost, problemReply, reply, WORKSPACE } from "./fake_browser.js";

/** @param {ReturnType<typeof fakeServer>} server @param {object} [more] */
function apiOn(server, more = {}) {
  const explainNetworkFailure = async () => "server-unreachable";
  const prover = createProver(fakeKeys(KEY_PAIR), fakeStore(), Date.now);
  const call = createRequester({ fetch: server.fetch, explainNetworkFailure, prover, ...more });
  return createApi(CONNECTION, { call, access: async () => ({ ok: true, data: ACCESS }) });
}

test("every request carries the token, no cookies, and follows no redirect", async () => {
  /** @type {any} */
  let options = null;
  const server = fakeServer();
  server.replies["GET /workspace"] = (/** @type {any} */ _, /** @type {any} */ given) => {
    options = given;
    return reply(WORKSPACE);
  };
  await apiOn(server).workspace();
  assert.equal(options.headers.Authorization, `DPoP ${ACCESS}`);
  assert.equal(options.credentials, "omit");
  assert.equal(options.redirect, "manual");
  assert.equal(options.cache, "no-store");
});

test("a decision is sent with its idempotency key", async () => {
  const server = fakeServer();
  const answer = await apiOn(server).link({ record_id: "customer-1001" }, "key-0001");
  assert.equal(answer.ok, true);
  assert.equal(server.asked[0].headers["Idempotency-Key"], "key-0001");
  assert.deepEqual(server.asked[0].body, { record_id: "customer-1001" });
});

test("a server's problem arrives with its name, sentence, request id and facts", async () => {
  const server = fakeServer();
  server.replies["POST /links"] = () => problemReply("record-has-reference", 409, "It has one.", { current_reference: "OLD" });
  const answer = await apiOn(server).link({}, "key-0001");
  assert.ok(!answer.ok);
  assert.equal(answer.problem.type, "record-has-reference");
  assert.equal(answer.problem.detail, "It has one.");
  assert.equal(answer.problem.request_id, "req-1");
  assert.equal(answer.problem.current_reference, "OLD");
  assert.equal(answer.problem.status, 409);
});

test("a busy server's waiting time is read from its header", async () => {
  const server = fakeServer();
  server.replies["GET /workspace"] = () =>
    reply({ type: "urn:crmlink:problem:commusoft-busy", detail: "Busy." }, 503, { "Retry-After": "40" });
  const answer = await apiOn(server).workspace();
  assert.ok(!answer.ok);
  assert.equal(answer.problem.retry_after, 40);
});

test("a waiting time that comes with any other refusal is not one", async () => {
  const server = fakeServer();
  server.replies["GET /workspace"] = () => reply({ type: "urn:crmlink:problem:role-too-low", detail: "No." }, 403, { "Retry-After": "60" });
  const answer = await apiOn(server).workspace();
  assert.ok(!answer.ok);
  assert.equal(answer.problem.retry_after, null);
});

const PAGE = { "Content-Type": "text/html; charset=utf-8" };
/** What `redirect: "manual"` gives instead of another page's answer. */
const redirected = () => Object.defineProperty(new Response(""), "type", { value: "opaqueredirect" });

for (const [what, respond, type] of /** @type {[string, () => any, string][]} */ ([
  ["HTML with status 200", () => new Response("<html>Welcome</html>", { status: 200 }), "web-page-instead"],
  ["a sign-in page", () => new Response("Please sign in", { status: 200, headers: PAGE }), "web-page-instead"],
  ["a page's refusal", () => new Response("<!DOCTYPE html><title>Blocked</title>", { status: 403 }), "web-page-instead"],
  ["a proxy before a server that is away", () => new Response("<html>Bad gateway</html>", { status: 502, headers: PAGE }), "gateway-error"],
  ["a cloud's own status", () => new Response("error code: 521", { status: 521 }), "gateway-error"],
  ["a network that wants a sign-in", () => new Response("<html>Wi-Fi", { status: 511, headers: PAGE }), "network-sign-in"],
  ["a proxy that wants a sign-in", () => new Response("", { status: 407 }), "proxy-sign-in"],
  ["the way to another page", redirected, "server-redirects"],
  ["an empty reply", () => new Response("", { status: 200 }), "server-odd"],
  ["a bare number", () => new Response("42", { status: 200 }), "server-odd"],
  ["another program's JSON error", () => reply({ error: "no" }, 404), "server-odd"],
])) {
  test(`${what} is not taken for the server`, async () => {
    const server = fakeServer();
    server.replies["GET /workspace"] = respond;
    const answer = await apiOn(server).workspace();
    assert.ok(!answer.ok);
    assert.equal(answer.problem.type, type);
    assert.equal(outcomeUnknown(answer.problem), true);
    assert.equal(seenAtAddress(answer.problem), true);
  });
}

for (const [server, online, type] of /** @type {[string, boolean, string][]} */ ([
  ["http://127.0.0.1:8787", true, "server-not-running"], ["http://localhost:8787", false, "server-not-running"],
  ["https://localhost:8787", false, "secure-unreachable"], ["https://crm.office.example", true, "secure-unreachable"],
  ["http://office-pc:8787", true, "server-unreachable"], ["https://crm.office.example", false, "offline"], ["http://office-pc:8787", false, "offline"],
])) {
  test(`no answer from ${server} ${online ? "" : "without a network "}is ${type}`, () => assert.equal(noAnswer(server, online), type));
}

for (const [what, path, data] of /** @type {const} */ ([
  ["a workspace", "GET /workspace", { name: "Router" }],
  ["suggestions", "POST /suggestions", { suggestions: [{ record: {} }], holders: [], none: 0, link: null }],
  ["a link", "POST /links", { id: "lnk_1", state: "linked" }],
  ["search results", "GET /records?q=x&kind=customer&limit=20", { records: [{ id: 7 }] }],
])) {
  test(`what does not look like ${what} is not taken for it`, async () => {
    const server = fakeServer();
    server.replies[path] = () => reply(data);
    const api = apiOn(server);
    const calls = { "GET /workspace": api.workspace, "POST /suggestions": () => api.suggest({}), "POST /links": () => api.link({}, "key-0001"),
      "GET /records?q=x&kind=customer&limit=20": () => api.search("x", "customer") };
    const answer = await calls[path]();
    assert.ok(!answer.ok);
    assert.equal(answer.problem.type, "server-odd");
  });
}

test("a lost network is told apart by anyone who knows the browser", async () => {
  const server = fakeServer();
  server.replies["GET /workspace"] = lost;
  const answer = await apiOn(server, { explainNetworkFailure: async () => "permission-missing" }).workspace();
  assert.ok(!answer.ok);
  assert.equal(answer.problem.type, "permission-missing");
});

test("a server that never answers is given up as slow", async () => {
  const server = fakeServer();
  server.replies["POST /links"] = (/** @type {any} */ _, /** @type {any} */ { signal }) =>
    new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const answer = await apiOn(server, { timeouts: { read: 5, write: 5 } }).link({}, "key-0001");
  assert.ok(!answer.ok);
  assert.equal(answer.problem.type, "server-slow");
  assert.equal(outcomeUnknown(answer.problem), true);
});

test("a server that stops half way through its answer is given up as slow", async () => {
  const server = fakeServer();
  server.replies["GET /workspace"] = (/** @type {any} */ _, /** @type {any} */ { signal }) =>
    new Response(new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"name":'));
        signal.addEventListener("abort", () => controller.error(signal.reason));
      },
    }));
  const answer = await apiOn(server, { timeouts: { read: 5, write: 5 } }).workspace();
  assert.ok(!answer.ok);
  assert.equal(answer.problem.type, "server-slow");
});

test("no problem ever contains the token", async () => {
  for (const answer of [lost, () => problemReply("internal-error", 500, "No."), () => new Response("?", { status: 500 })]) {
    const server = fakeServer();
    server.replies["GET /workspace"] = answer;
    assert.ok(!JSON.stringify(await apiOn(server).workspace()).includes(ACCESS));
  }
});

test("a refusal in the server's own words settles a decision, silence does not", () => {
  const named = (/** @type {string} */ type) => /** @type {any} */ ({ type });
  for (const type of ["record-has-reference", "write-refused", "commusoft-slow", "token-refused"]) {
    assert.equal(outcomeUnknown(named(type)), false, type);
  }
  for (const type of ["server-unreachable", "server-slow", "server-odd", "offline", "internal-error", "database-unavailable", "database-full"]) {
    assert.equal(outcomeUnknown(named(type)), true, type);
  }
});
