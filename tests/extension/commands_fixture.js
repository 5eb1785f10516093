// @ts-check
// A background without a browser: all of its parts on fake stores, fake tabs and a fake server.

import { composeBackground } from "../../extension/lib/compose.js";
import { CONNECTION, fakeKeys, fakeRecordTabs, fakeScripts, fakeServer, fakeStore, fakeTabs, HOLLOWAY_PAGE, KEY_PAIR, MARGARET } from "./fake_browser.js";
import { fakeTableTabs } from "./fake_table_tabs.js";

export const TAB = 7;
/** @type {Omit<Parameters<import("../../extension/lib/linking/commands.js").Commands["confirm"]>[0], "snapshot">} */
export const CHOICE = {
  kind: "customer", typed: null, record: "customer-1001", replaces: null, also_on: [], checked_empty: false, accepts_kind: false, differences: [],
};

/** @param {{connected?: boolean}} [how] */
export async function setting({ connected = true } = {}) {
  const local = fakeStore();
  const memory = fakeStore();
  const server = fakeServer();
  const tabs = fakeTabs();
  const scripts = fakeScripts();
  const recordTabs = fakeRecordTabs();
  const tableTabs = fakeTableTabs();
  const clock = { now: 1_000_000 };
  /** What the browser allows, what IT has set, and the pages that were opened. */
  const browser = { permitted: true, managed: /** @type {Record<string, any>} */ ({}), opened: /** @type {string[]} */ ([]), naps: 0 };
  const keys = fakeKeys(connected ? KEY_PAIR : null);
  let ids = 0;
  const newKey = () => `key-${(ids += 1).toString().padStart(8, "0")}`;

  /** A worker: what it holds in memory is lost when it is ended, what lies in the stores is not. */
  const start = () =>
    composeBackground({
      local, memory, tabs, scripts, recordTabs, tableTabs, newKey, keys,
      managed: { get: async () => browser.managed },
      net: { fetch: server.fetch, explainNetworkFailure: async () => "server-unreachable" },
      hasPermissions: async () => browser.permitted,
      name: async () => "Chrome on Windows",
      open: async (address) => browser.opened.push(address),
      now: () => clock.now,
      async sleep(milliseconds) {
        browser.naps += 1;
        clock.now += milliseconds;
        await new Promise(setImmediate);
      },
    });

  if (connected) await local.set({ connection: CONNECTION });
  tabs.open.set(TAB, { url: HOLLOWAY_PAGE, details: MARGARET });
  return { ...start(), server, tabs, scripts, recordTabs, tableTabs, local, memory, clock, browser, keys, start };
}

/**
 * Open the tab's contact and return its snapshot's id.
 * @param {Pick<import("../../extension/lib/linking/commands.js").Commands, "open_tab">} commands
 */
export async function openTab(commands) {
  const answer = await commands.open_tab({ tab: TAB });
  if (!answer.ok || answer.data.place?.page !== "contact") throw new Error(`no contact: ${JSON.stringify(answer)}`);
  return answer.data.place.snapshot;
}
