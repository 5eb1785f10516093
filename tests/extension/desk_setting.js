// @ts-check
// A background without a browser: its desk on a fake store, fake tabs and a fake server.

import { createApi } from "../../extension/lib/api.js";
import { createAttempts } from "../../extension/lib/attempts.js";
import { createDesk } from "../../extension/lib/desk.js";
import { createLists } from "../../extension/lib/lists.js";
import { createLooks } from "../../extension/lib/looks.js";
import { createOnPage } from "../../extension/lib/onpage.js";
import { createRules } from "../../extension/lib/rules.js";
import { createSession } from "../../extension/lib/session.js";
import { fakeScripts, fakeServer, fakeStore, fakeTabs, HOLLOWAY_PAGE, MARGARET, SERVER, TOKEN } from "./fake_browser.js";

export const TAB = 7;
/** @type {Omit<Parameters<import("../../extension/lib/desk.js").Desk["confirm"]>[0], "look">} */
export const CHOICE = {
  kind: "customer", typed: null, record: "customer-1001", replaces: null, also_on: [], checked_empty: false, differences: [],
};

/** @param {{connected?: boolean}} [how] */
export async function setting({ connected = true } = {}) {
  const local = fakeStore();
  const memory = fakeStore();
  const server = fakeServer();
  const tabs = fakeTabs();
  const scripts = fakeScripts();
  const clock = { now: 1_000_000 };
  let keys = 0;
  const newKey = () => `key-${(keys += 1).toString().padStart(8, "0")}`;

  /** A worker: what it holds in memory is lost when it is ended, what lies in the stores is not. */
  const start = () => {
    const session = createSession(local);
    const attempts = createAttempts(memory, { newKey, now: () => clock.now });
    const onPage = createOnPage(local, scripts);
    const desk = createDesk({
      session,
      attempts,
      rules: createRules(local, () => clock.now),
      looks: createLooks(memory, newKey),
      lists: createLists(memory, newKey),
      tabs,
      onPage,
      api: (connection) => createApi(connection, { fetch: server.fetch, whySilent: async () => "server-unreachable" }),
    });
    return { desk, session, attempts, onPage };
  };

  const worker = start();
  if (connected) await worker.session.save({ server: SERVER, token: TOKEN, workspace: null });
  tabs.open.set(TAB, { url: HOLLOWAY_PAGE, details: MARGARET });
  return { ...worker, server, tabs, scripts, local, memory, clock, start };
}

/**
 * Look at the tab and return the look's id.
 * @param {import("../../extension/lib/desk.js").Desk} desk
 */
export async function lookAt(desk) {
  const answer = await desk.look({ tab: TAB });
  if (!answer.ok || answer.data.place?.page !== "contact") throw new Error(`no contact: ${JSON.stringify(answer)}`);
  return answer.data.place.look;
}
