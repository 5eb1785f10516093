// @ts-check
// A browser and a server small enough to read, for tests of what the background does.

import { readFileSync } from "node:fs";

export const RULES = JSON.parse(
  readFileSync(new URL("../../server/crmlink/accounting/packages.json", import.meta.url), "utf8"),
);
export const SERVER = "http://127.0.0.1:8787";
/** The two tokens of the connection below; nothing but the server may ever see them. */
export const ACCESS = "eyJ0123456789.accessSECRET";
export const REFRESH = "crmr_0123456789abcdefSECRET";
export const HOLLOWAY_PAGE = "https://go.xero.com/app/!kR4N6/contacts/contact/8275f116-6419-4b82-889a-f41dcc1d6186";
export const OTHER_PAGE = "https://go.xero.com/app/!kR4N6/contacts/contact/3e776c4b-ea9e-4bb1-96be-6b0c7a71a37f";
export const REFERENCE = "8275f116-6419-4b82-889a-f41dcc1d6186";

/** As Chrome gives back what it kept: with its names in order. @param {any} value @returns {any} */
function inOrder(value) {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(inOrder);
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, inOrder(value[key])]));
}

/** Like chrome.storage.local: values are copies, and asynchronous. */
export function fakeStore() {
  /** @type {Map<string, string>} */
  const kept = new Map();
  return {
    kept,
    /** @param {string} key */
    async get(key) {
      const text = kept.get(key);
      return text === undefined ? {} : { [key]: inOrder(JSON.parse(text)) };
    },
    /** @param {Record<string, any>} items */
    async set(items) {
      for (const [key, value] of Object.entries(items)) kept.set(key, JSON.stringify(value));
    },
    /** @param {string} key */
    async remove(key) {
      kept.delete(key);
    },
  };
}

/**
 * Like our key's place in IndexedDB: it keeps the key itself.
 * @param {CryptoKeyPair | null} [pair]
 */
export function fakeKeys(pair = null) {
  const keys = {
    pair, broken: false,
    async read() {
      if (keys.broken) throw new DOMException("no storage", "UnknownError");
      return keys.pair;
    },
    /** @param {CryptoKeyPair} made */
    async keep(made) {
      if (keys.broken) throw new DOMException("no storage", "QuotaExceededError");
      keys.pair = made;
    },
    async remove() {
      keys.pair = null;
    },
  };
  return keys;
}

/**
 * As much of IndexedDB as our key needs: one store, whose requests answer after the turn they were made in.
 * @param {Map<string, unknown>} [kept]
 */
export function fakeIndexedDB(kept = new Map()) {
  /** @param {any} target @param {string} event @param {object} [more] */
  const later = (target, event, more = {}) => {
    setImmediate(() => {
      Object.assign(target, more);
      target[event]?.();
    });
    return target;
  };
  const store = {
    /** @param {string} key */
    get: (key) => ({ result: kept.get(key) }),
    /** @param {unknown} value @param {string} key */
    put: (value, key) => ({ result: kept.set(key, value) }),
    /** @param {string} key */
    delete: (key) => ({ result: kept.delete(key) }),
  };
  const database = { createObjectStore: () => store, transaction: () => later({ objectStore: () => store }, "oncomplete"), close: () => undefined };
  /** What opening it fails with, if it does. @type {{open: DOMException | null}} */
  const failing = { open: null };
  const factory = {
    open: () => (failing.open ? later({}, "onerror", { error: failing.open }) : later(later({ result: database }, "onupgradeneeded"), "onsuccess")),
  };
  return { kept, failing, factory: /** @type {any} */ (factory) };
}

/** The key of the connection below. */
export const KEY_PAIR = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);

/**
 * What a request's proof says, once its signature is found to be that of the key in it.
 * @param {Asked} asked
 * @returns {Promise<{key: string, claims: Record<string, any>}>}
 */
export async function proofIn(asked) {
  const [header, claims, signature] = asked.headers.DPoP.split(".").map((part) => Buffer.from(part, "base64url"));
  const { typ, alg, jwk } = JSON.parse(String(header));
  if (typ !== "dpop+jwt" || alg !== "ES256" || jwk.d) throw new Error("no proof");
  const key = await crypto.subtle.importKey("jwk", jwk, { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
  const signed = Buffer.from(asked.headers.DPoP.split(".").slice(0, 2).join("."));
  if (!(await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, signature, signed))) throw new Error("not signed by its key");
  return { key: JSON.stringify(jwk), claims: JSON.parse(String(claims)) };
}

/** Tabs whose address and page a test changes at will. */
export function fakeTabs() {
  /** @type {Map<number, {url: string, details: any}>} */
  const open = new Map();
  return {
    open,
    /** @param {number} tab */
    address: async (tab) => open.get(tab)?.url ?? null,
    /** @param {number} tab */
    read: async (tab) => open.get(tab)?.details ?? null,
    /** @returns {Promise<unknown>} */
    readList: async () => [],
    wait: async () => undefined,
  };
}

/** A browser's way with scripts in pages: what is allowed and registered, and what the pages were told. */
export function fakeScripts() {
  /** @type {Set<string>} */
  const allowed = new Set();
  /** @type {Map<string, string[]>} */
  const registered = new Map();
  /** @type {string[][]} */
  const injected = [];
  /** @type {{origins: string[], word: string}[]} */
  const messages = [];
  return {
    allowed, registered, injected, messages,
    /** @param {string[]} origins */
    granted: async (origins) => origins.every((one) => allowed.has(one)),
    /** @param {string[]} origins */
    revoke: async (origins) => origins.forEach((one) => allowed.delete(one)),
    /** @param {string} name @param {string[]} origins */
    register: async (name, origins) => void registered.set(name, origins),
    /** @param {string} name */
    unregister: async (name) => void registered.delete(name),
    /** @param {string} name @param {string[]} origins */
    inject: async (name, origins) => void injected.push([name, ...origins]),
    /** @param {string[]} origins @param {"refresh" | "leave"} word */
    notify: async (origins, word) => void messages.push({ origins, word }),
  };
}

/** Tabs with Commusoft's pages: what was opened, where our script runs, and what a page shows. */
export function fakeRecordTabs() {
  const made = {
    /** Tab → its address, as far as we may see it. @type {Map<number, string>} */
    open: new Map(),
    opened: /** @type {string[]} */ ([]),
    assisted: /** @type {number[]} */ ([]),
    searched: /** @type {any[]} */ ([]),
    shows: /** @type {import("../../extension/lib/linking/assist.js").PageReading | null} */ ({ state: "empty" }),
    /** What a page does while it is read. */
    whileReading: () => undefined,
    /** @param {(address: string) => boolean} isRecord @param {string | null} url */
    async show(isRecord, url) {
      const found = [...made.open].find(([, address]) => isRecord(address));
      if (!found && url !== null) made.opened.push(url);
      return found?.[0] ?? null;
    },
    /** @param {number} tab */
    async assist(tab) {
      made.assisted.push(tab);
      return true;
    },
    /** @param {number} _tab @param {any} search */
    async read(_tab, search) {
      made.searched.push(search);
      made.whileReading();
      return made.shows;
    },
  };
  return made;
}

export const MARGARET = {
  name: "Margaret Holloway",
  company: "",
  person: "",
  email: "margaret.holloway@postbox.example",
  phones: ["01632 960114"],
  address: "14 Orchard Close",
  town: "Cheltenham",
  postcode: "GL50 2TR",
};

/** @param {Partial<import("../../extension/lib/types.js").CrmRecord>} [more] */
export function record(more = {}) {
  return {
    id: "customer-1001",
    kind: /** @type {const} */ ("customer"),
    label: "Margaret Holloway",
    name: "Margaret Holloway",
    company: "",
    email: "margaret.holloway@postbox.example",
    phones: [],
    address: "14 Orchard Close",
    town: "Cheltenham",
    postcode: "GL50 2TR",
    account_number: "",
    reference: null,
    page_url: "https://app.commusoft.example/customers/customer/1001",
    ...more,
  };
}

/**
 * @param {Partial<import("../../extension/lib/types.js").Link>} [more]
 * @returns {import("../../extension/lib/types.js").Link}
 */
export function link(more = {}) {
  return {
    id: "lnk_1",
    state: "linked",
    kind: "customer",
    package: "xero",
    organisation: "!kR4N6",
    reference: REFERENCE,
    contact_name: "Margaret Holloway",
    record: record({ reference: REFERENCE }),
    prior_reference: null,
    created_at: "2026-03-02T09:41:00Z",
    settled_at: "2026-03-02T09:41:01Z",
    by: "Front desk",
    failure: null,
    undoes: null,
    undone_by: null,
    can_undo: true,
    ...more,
  };
}

/**
 * @param {Partial<import("../../extension/lib/types.js").SuggestionAnswer>} [more]
 * @returns {import("../../extension/lib/types.js").SuggestionAnswer}
 */
export function offer(more = {}) {
  const reasons = [{ code: "email", text: "same email", agrees: true }];
  return {
    connection_id: CONNECTED,
    likely_kind: "customer",
    suggestions: [{ record: record(), probability: 0.99, sure: true, reasons }],
    none: 0.01,
    holders: [],
    link: null,
    ...more,
  };
}

/** @param {object} [more] */
export function draft(more = {}) {
  return {
    id: "bat_1", package: "xero", organisation: "!kR4N6", kind: null, contacts: 48, added: 48,
    created_at: "2026-03-02T14:05:00Z", by: "Front desk", ...more,
  };
}

export const PERSON = { name: "Jan Novak", role: "clerk" };
export const DEVICE = { id: "dev_1", name: "Front desk" };

/** What the server gives a browser that was approved. */
export const GRANT = { access_token: ACCESS, token_type: "DPoP", expires_in: 600, refresh_token: REFRESH, device: DEVICE, person: PERSON };

/** @type {import("../../extension/lib/server/session.js").SessionState} */
export const CONNECTION = {
  server: SERVER, device: DEVICE, person: PERSON, access_token: ACCESS, refresh_token: REFRESH, access_until: 2_000_000_000_000, workspace: null,
};

/** The Commusoft account that the server works with. */
const CONNECTED = "con_1";

export const WORKSPACE = {
  name: "Severn Vale Heating",
  connection_id: CONNECTED,
  person: PERSON,
  device: { name: "Front desk", scopes: ["suggest", "link", "read"] },
  commusoft: { sandbox: true, web_url: "https://app.commusoft.example" },
  mirror: { customers: 2000, suppliers: 200, synced_at: null, syncing: false },
};

/**
 * `stale`: it was sent back for a newer nonce.
 * @typedef {{method: string, path: string, url: string, headers: Record<string, string>, body: any, stale?: boolean}} Asked
 */

/**
 * A server behind `fetch`. A reply is a body, or a function of what was asked that may throw like a lost network.
 */
export function fakeServer() {
  /** @type {Asked[]} */
  const asked = [];
  /** @type {Record<string, any>} */
  const replies = {
    "GET /packages": () => reply(RULES, 200, { ETag: '"v1"' }),
    "GET /workspace": WORKSPACE,
    "POST /suggestions": offer(),
    "POST /links": () => reply(link(), 201),
    "GET /batches": { batches: [] },
    "DELETE /devices/me": () => new Response(null, { status: 204 }),
    "POST /batches": (/** @type {any} */ { body }) => reply(draft({ contacts: body.contacts.length, added: body.contacts.length }), 201),
  };

  /** Who asks is looked at first. @type {{guard: ((one: Asked) => Response | null | Promise<Response | null>) | null}} */
  const middleware = { guard: null };

  /** @type {typeof globalThis.fetch} */
  const fetch = async (address, options = {}) => {
    options.signal?.throwIfAborted(); // as a browser does: the limit may have passed before anything was sent
    const url = new URL(String(address));
    const path = url.pathname.replace("/api/v1", "") + url.search;
    const headers = /** @type {Record<string, string>} */ (options.headers ?? {});
    /** @type {Asked} */
    const one = { method: options.method ?? "GET", path, url: url.origin + url.pathname, headers, body: options.body ? parsed(String(options.body), headers) : null };
    asked.push(one);
    const refused = await middleware.guard?.(one);
    if (refused) return refused;
    const scripted = replies[`${one.method} ${path}`];
    if (scripted === undefined) return problemReply("not-found", 404, "There is nothing at this address.");
    const answer = typeof scripted === "function" ? await scripted(one, options) : scripted;
    return answer instanceof Response ? answer : reply(answer);
  };
  /** What was asked, but for what was sent back for a newer nonce. @param {string} what */
  const times = (what) => asked.filter((one) => `${one.method} ${one.path}` === what && !one.stale);
  return { fetch, asked, replies, times, middleware };
}

/**
 * @param {string} body
 * @param {Record<string, string>} headers
 */
function parsed(body, headers) {
  const form = headers["Content-Type"] === "application/x-www-form-urlencoded";
  return form ? Object.fromEntries(new URLSearchParams(body)) : JSON.parse(body);
}

/**
 * @param {unknown} body
 * @param {number} [status]
 * @param {Record<string, string>} [headers]
 */
export function reply(body, status = 200, headers = {}) {
  return new Response(status === 304 ? null : JSON.stringify(body), { status, headers });
}

/**
 * @param {string} name
 * @param {number} status
 * @param {string} detail
 * @param {object} [more]
 */
export function problemReply(name, status, detail, more = {}) {
  const body = { type: `urn:crmlink:problem:${name}`, title: name, status, detail, request_id: "req-1", ...more };
  return reply(body, status, { "Content-Type": "application/problem+json" });
}

/** A network that loses the request. */
export function lost() {
  throw new TypeError("Failed to fetch");
}
