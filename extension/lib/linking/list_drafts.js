// @ts-check
// Whole lists: what a list's page shows, kept until the person sends it, and sent as a draft to the server.

import { outcomeUnknown, problem } from "../server/problem.js";

/** @typedef {import("../server/api.js").Api} Api */
/** @typedef {import("../page/read_list.js").Listed} Listed */
/** @typedef {import("../page/target.js").AtList} AtList */
/** @typedef {import("../types.js").Draft} Draft */
/** @typedef {import("../types.js").Problem} Problem */

/**
 * @template T
 * @typedef {import("../types.js").Answer<T>} Answer
 */

/** @typedef {Pick<Listed, "reference" | "kind" | "name" | "email" | "phones">} Sent a contact within the server's bounds */
/** @typedef {Omit<AtList, "contacts"> & {contacts: Sent[], id: string, tab: number}} KeptList */

const KEY = "lists";
const MAX_DRAFTS = 2;
/** How many names a person sees before they send a list. */
const MAX_NAMES = 6;
/** How many contacts the server takes at once. */
export const CHUNK_SIZE = 1000;
const JOIN_WINDOW_MS = 12 * 60 * 60 * 1000;

/** @typedef {ReturnType<typeof createLists>} Lists */

/**
 * @param {import("../server/session.js").Store} store
 * @param {() => string} newId
 */
export function createLists(store, newId) {
  /** @returns {Promise<KeptList[]>} */
  async function all() {
    return (await store.get(KEY))[KEY] ?? [];
  }

  return {
    /**
     * @param {AtList} list
     * @param {number} tab
     * @returns {Promise<string>} the id to send it by
     */
    async keep(list, tab) {
      const kept = { ...list, contacts: list.contacts.map(forServer), id: newId(), tab };
      await store.set({ [KEY]: [...(await all()), kept].slice(-MAX_DRAFTS) });
      return kept.id;
    },

    forget: () => store.remove(KEY),

    /** @param {string} id */
    async find(id) {
      return (await all()).find((list) => list.id === id) ?? null;
    },
  };
}

/**
 * What the popup shows of a list: never all of it.
 * @param {AtList} list
 */
export function preview({ page, package_name, kind, contacts }) {
  const names = contacts.map((one) => one.name || one.email || one.reference).slice(0, MAX_NAMES);
  return { page, package_name, kind, count: contacts.length, names };
}

/**
 * The drafts that this list may join: ids mean the same only within one organisation. A file's learns
 * what it does not know of these two from the first page that joins it.
 * @param {Draft[]} drafts
 * @param {AtList} list
 */
export function joinable(drafts, list) {
  return drafts.filter((one) => {
    const learns = Boolean(one.source) && one.source !== "list_page";
    return (one.package === list.package || (learns && !one.package))
      && (one.organisation === list.organisation || (learns && !one.organisation));
  });
}

/**
 * The draft that the next page of a list most likely belongs to: one begun not long ago.
 * @param {Draft[]} drafts the newest first
 * @param {number} now milliseconds
 * @returns {string | null} its id
 */
export function suggestedDraft(drafts, now) {
  const [newest] = drafts;
  return newest && now - Date.parse(newest.created_at) < JOIN_WINDOW_MS ? newest.id : null;
}

/**
 * @typedef {Pick<AtList, "package" | "organisation" | "kind"> & {contacts: {kind: any, reference: string}[]}} Identified
 */

/**
 * Whether two readings show the same contacts.
 * @param {Identified} one
 * @param {Identified} other
 */
export function sameList(one, other) {
  /** @param {Identified} list */
  const identity = ({ package: name, organisation, kind, contacts }) =>
    JSON.stringify([name, organisation, kind, contacts.map((contact) => [contact.kind, contact.reference])]);
  return identity(one) === identity(other);
}

/**
 * Send a list, in as many pieces as the server needs.
 * @param {Api} api
 * @param {KeptList} list
 * @param {string | null} batch the draft to join
 * @returns {Promise<Answer<Draft & {added: number, completed: number, sent: number}>>}
 */
export async function sendList(api, list, batch) {
  const { contacts } = list;
  /** @type {Answer<Draft & {added: number, completed?: number}> | null} */
  let last = null;
  let added = 0;
  let completed = 0;
  for (let at = 0; at < contacts.length; at += CHUNK_SIZE) {
    const piece = contacts.slice(at, at + CHUNK_SIZE);
    const { package: name, organisation, kind } = list;
    const joins = last?.ok ? last.data.id : batch;
    last = await api.collect({ package: name, organisation, kind, contacts: piece, batch: joins });
    if (!last.ok) return { ok: false, problem: partProblem(last.problem, at > 0) };
    added += last.data.added;
    completed += last.data.completed ?? 0;
  }
  if (!last?.ok) return { ok: false, problem: problem("list-empty") };
  return { ok: true, data: { ...last.data, added, completed, sent: contacts.length } };
}

/**
 * A lost answer leaves open whether the draft was kept, and the person must not read that nothing was.
 * @param {Problem} found
 * @param {boolean} partly whether a piece was kept before
 */
function partProblem(found, partly) {
  const open = outcomeUnknown(found) && found.type !== "permission-missing";
  return open || partly ? problem("list-unanswered", { request_id: found.request_id }) : found;
}

/**
 * @param {Listed} contact as a page that is not ours gave it
 * @returns {Sent}
 */
function forServer({ reference, kind, name, email, phones }) {
  const fits = phones.filter((phone) => phone.length <= 60).slice(0, 10);
  return { reference, kind, name: name.slice(0, 300), email: email.length > 320 ? "" : email, phones: fits };
}
