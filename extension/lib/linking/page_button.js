// @ts-check
// The button on the pages themselves: for which packages a person switched it on, and what it may know.

import { holdersOf } from "./ranking.js";
import { locate, rulesOf } from "../page/locate.js";
import { contactAt } from "../page/target.js";
import { COMMUSOFT } from "../page/record_page.js";
import { problem } from "../server/problem.js";

/** @typedef {import("../page/rule_types.js").Packages} Packages */
/** @typedef {import("../server/api.js").Api} Api */
/** @typedef {import("../server/session.js").SessionState} Connection */

/**
 * @template T
 * @typedef {import("../types.js").Answer<T>} Answer
 */

/**
 * What is needed of the browser; origins are match patterns.
 * @typedef {object} PageScripts
 * @property {(origins: string[]) => Promise<boolean>} granted whether the person allows us all of them
 * @property {(origins: string[]) => Promise<void>} revoke
 * @property {(name: string, origins: string[]) => Promise<void>} register the script for pages to come
 * @property {(name: string) => Promise<void>} unregister
 * @property {(name: string, origins: string[]) => Promise<void>} inject it into the pages that are open
 * @property {(origins: string[], word: "refresh" | "leave") => Promise<void>} notify
 */

/** @typedef {{name: string, origins: string[]}} SwitchedOn */
/** @typedef {{package: string, name: string, origins: string[], on: boolean, stale: boolean}} Switch */
/** @typedef {"linked" | "not_linked" | "waiting" | "unknown"} Mark */

const KEY = "on_page";

/**
 * Match patterns for a package's hosts. A label that is partly open would need a permission for its whole parent:
 * that is asked for only where the parent is the package's own.
 * @param {{hosts?: string[], scheme?: string}} rule
 * @returns {string[]}
 */
export function originsOf({ hosts = [], scheme = "https" }) {
  const names = hosts.map((host) => host.replace(/:.*/, ""));
  const patterns = names.flatMap((name) => {
    const [first = "", ...parent] = name.split(".");
    const rest = parent.join(".");
    if (rest.includes("{")) return [];
    if (!first.includes("{")) return [name];
    return first.startsWith("{") || names.includes(rest) ? [`*.${rest}`] : [];
  });
  const wide = patterns.filter((one) => one.startsWith("*.")).map((one) => one.slice(1));
  const needed = patterns.filter((one) => !wide.some((end) => isBelow(one, end)));
  return [...new Set(needed)].map((one) => `${scheme}://${one}/*`);
}

/**
 * Whether a pattern is covered by a wider one, `*.qbo.intuit.com` by itself not.
 * @param {string} pattern
 * @param {string} end ".qbo.intuit.com"
 */
function isBelow(pattern, end) {
  const name = pattern.replace(/^\*/, "");
  return (name !== end && name.endsWith(end)) || pattern === end.slice(1);
}

/** @typedef {ReturnType<typeof createOnPage>} OnPage */

/**
 * @param {import("../server/session.js").Store} store
 * @param {PageScripts} scripts
 */
export function createOnPage(store, scripts) {
  /** @type {Promise<unknown>} */
  let turn = Promise.resolve();

  /** @returns {Promise<Record<string, SwitchedOn>>} */
  async function all() {
    return (await store.get(KEY))[KEY] ?? {};
  }

  /**
   * One change at a time: a revoked permission is heard of while a switch is being thrown.
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  function alone(work) {
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  }

  /**
   * @param {string} name
   * @param {string[]} kept origins that are needed for something else
   */
  async function drop(name, kept) {
    const { [name]: gone, ...rest } = await all();
    if (!gone) return;
    await store.set({ [KEY]: rest });
    await scripts.unregister(name);
    await scripts.notify(gone.origins, "leave");
    const needed = new Set([...kept, ...Object.values(rest).flatMap((one) => one.origins)]);
    await scripts.revoke(gone.origins.filter((one) => !needed.has(one)));
  }

  const everywhere = async () => Object.values(await all()).flatMap((one) => one.origins);

  return {
    /** The origins of all packages that are on. */
    origins: everywhere,

    /** @param {string} name */
    isOn: async (name) => Object.hasOwn(await all(), name),

    /**
     * Every site that has pages, and what is still on of others.
     * @param {Record<string, {name: string, hosts?: string[], scheme?: string}>} sites packages, and Commusoft
     * @returns {Promise<Switch[]>}
     */
    async describe(sites) {
      const on = await all();
      /** @type {Switch[]} */
      const known = Object.entries(sites).map(([name, rule]) => {
        const origins = originsOf(rule);
        const kept = on[name];
        const stale = kept !== undefined && origins.some((one) => !kept.origins.includes(one));
        return { package: name, name: String(rule.name), origins, on: kept !== undefined, stale };
      });
      const others = Object.entries(on).filter(([name]) => !known.some((one) => one.package === name));
      const left = others.map(([name, one]) => ({ package: name, ...one, on: true, stale: false }));
      return [...known, ...left]
        .filter((one) => one.origins.length > 0)
        .sort((one, other) => one.name.localeCompare(other.name, "en-GB"));
    },

    /**
     * @param {string} name of the package
     * @param {any} rule
     * @returns {Promise<Answer<null>>}
     */
    switchOn: (name, rule) =>
      alone(async () => {
        const origins = originsOf(rule ?? {});
        if (origins.length === 0 || !(await scripts.granted(origins))) {
          return { ok: false, problem: problem("permission-refused") };
        }
        await scripts.register(name, origins);
        await store.set({ [KEY]: { ...(await all()), [name]: { name: String(rule.name), origins } } });
        await scripts.inject(name, origins);
        return { ok: true, data: null };
      }),

    /**
     * @param {string} name of the package
     * @param {string[]} kept origins that are needed for something else
     */
    switchOff: (name, kept) => alone(() => drop(name, kept)),

    /** After an update, or a change of permissions: what is on is registered, and what is no longer allowed is off. */
    restore: () =>
      alone(async () => {
        for (const [name, { origins }] of Object.entries(await all())) {
          if (!(await scripts.granted(origins))) await drop(name, origins);
          else {
            await scripts.register(name, origins);
            await scripts.inject(name, origins);
          }
        }
      }),

    /** A link was made, or the server is another: what the buttons say may be wrong. */
    refresh: async () => scripts.notify(await everywhere(), "refresh"),
  };
}

/**
 * What the button in a tab may show: nothing of the page is read, and nothing but the contact's identity is sent.
 * @param {string | null} address of the tab
 * @param {{packages: Packages | null, onPage: OnPage, api: Api}} parts
 * @returns {Promise<{mark: Mark, places: string[]} | null>} null: no button here; places are where the name may stand
 */
export async function markFor(address, { packages, onPage, api }) {
  if (address === null || !packages) return null;
  const location = locate(address, packages);
  if (location.page === "record" && (await onPage.isOn(COMMUSOFT))) return markForRecord(`${location.kind}-${location.record}`, api);
  if (location.page !== "contact" || !(await onPage.isOn(String(location.package)))) return null;
  const contact = contactAt(location, packages);
  const { package: name, reference, organisation, kind } = contact;
  const answer = await api.suggest({ package: name, reference, organisation, kind });
  return { mark: answer.ok ? linkMark(answer.data, contact) : "unknown", places: rulesOf(name, packages).hints?.name ?? [] };
}

/**
 * @param {string} record its id
 * @param {Api} api
 * @returns {Promise<{mark: Mark, places: string[]}>}
 */
async function markForRecord(record, api) {
  const answer = await api.record(record);
  if (!answer.ok) return { mark: "unknown", places: [] };
  const { open_link, record: found } = answer.data;
  return { mark: open_link ? "waiting" : found.reference ? "linked" : "not_linked", places: [] };
}

/**
 * @param {import("../types.js").SuggestionAnswer} answer
 * @param {import("../types.js").Contact} contact
 * @returns {Mark}
 */
function linkMark(answer, contact) {
  if (answer.link?.state === "intended") return "waiting";
  return holdersOf(answer, contact).length > 0 ? "linked" : "not_linked";
}
