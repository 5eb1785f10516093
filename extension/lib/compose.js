// @ts-check
// The background put together from its parts, with everything of the browser handed in.

import { createApi } from "./server/api.js";
import { createAttempts } from "./linking/pending_requests.js";
import { createRequester } from "./server/request.js";
import { createConnectionManager } from "./server/connection.js";
import { createProver } from "./server/dpop.js";
import { createCommands } from "./linking/commands.js";
import { createLists } from "./linking/list_drafts.js";
import { createSnapshots } from "./linking/snapshots.js";
import { createOnPage } from "./linking/page_button.js";
import { createPairings } from "./server/pairing.js";
import { createPolicy } from "./server/managed_policy.js";
import { createRules } from "./server/rule_cache.js";
import { createSession } from "./server/session.js";
import { createOAuthClient } from "./server/oauth.js";

/**
 * @typedef {object} Browser
 * @property {import("./server/session.js").Store} local kept on the disk
 * @property {import("./server/session.js").Store} memory kept while the browser runs
 * @property {Parameters<typeof createPolicy>[0]} managed
 * @property {Omit<import("./server/request.js").Network, "prover">} net
 * @property {import("./server/dpop.js").KeyStore} keys
 * @property {import("./page/target.js").Tabs} tabs
 * @property {import("./linking/page_button.js").PageScripts} scripts
 * @property {import("./linking/assist.js").RecordTabs} recordTabs
 * @property {import("./linking/link_table.js").TableTabs} tableTabs
 * @property {import("./server/connection.js").Parts["permitted"]} hasPermissions
 * @property {() => Promise<string>} name what the browser is called
 * @property {(address: string) => Promise<unknown>} open show a page in a tab
 * @property {() => number} now milliseconds
 * @property {(milliseconds: number) => Promise<void>} sleep
 * @property {() => string} newKey
 */

/** @param {Browser} browser */
export function composeBackground({ local, memory, managed, net, tabs, scripts, recordTabs, tableTabs, hasPermissions, name, open, now, sleep, newKey, keys }) {
  const prover = createProver(keys, memory, now);
  const call = createRequester({ ...net, prover });
  const tokens = createOAuthClient(call, prover.newKey);
  const session = createSession(local, { tokens, now, ended: (server) => connecting.release(server) });
  const rules = createRules(local, now);
  const attempts = createAttempts(memory, { newKey, now });
  const onPage = createOnPage(local, scripts);
  /** @param {import("./server/session.js").SessionState} connection */
  const api = (connection) => createApi(connection, { call, access: session.access });
  const shared = { session, rules, attempts, onPage, api };

  const pairings = createPairings(memory, {
    tokens, now, sleep, open,
    browser: name,
    connected: async () => (await session.read()) !== null,
    done: (server, grant) => connecting.paired(server, grant),
  });
  const snapshots = createSnapshots(memory, newKey);
  const lists = createLists(memory, newKey);
  const connecting = createConnectionManager({ ...shared, snapshots, lists, pairings, permitted: hasPermissions, revoke: scripts.revoke, forgetKey: prover.forget, policy: createPolicy(managed) });
  const commands = createCommands({ ...shared, connecting, snapshots, lists, tabs, recordTabs, tableTabs, memory, newKey, now });

  return {
    /** What each message of our pages leads to, and the mark on a page. */
    commands: { ...commands, ...connecting.handlers },
    session, attempts, onPage, connecting, pairings,

    /** At each start: what was going on when the worker died goes on. */
    async resume() {
      await connecting.applyPolicy();
      await connecting.tidy();
      await pairings.poll();
    },
  };
}
