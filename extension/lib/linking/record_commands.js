// @ts-check
// What the background does for the popup on a Commusoft record's page: the record, which contact it may be, and a
// choice of one.

import { cleanDetails } from "../page/contact.js";
import { recordAt, searchFor } from "../page/record_page.js";
import { problem } from "../server/problem.js";

/** @typedef {import("../page/rule_types.js").Packages} Packages */
/** @typedef {import("../server/api.js").Api} Api */
/** @typedef {import("../types.js").CrmRecord} CrmRecord */
/** @typedef {import("../types.js").Link} Link */
/** @typedef {import("../types.js").ContactSnapshot} ContactSnapshot */
/** @typedef {import("../types.js").KnownContact} KnownContact */
/** @typedef {import("../types.js").RecordContacts} RecordContacts */
/** @typedef {import("../page/target.js").AtContact} AtContact */
/** @typedef {import("./assist.js").PageReading} PageReading */

/**
 * @template T
 * @typedef {import("../types.js").Answer<T>} Answer
 */

/**
 * A record's page as the popup shows it. `refused`: why no contacts can be suggested.
 * @typedef {{record: CrmRecord, synced_at: string | null, link: Link | null, open_link: Link | null, page: PageReading | null,
 *   contacts: RecordContacts | null, refused: import("../types.js").Problem | null}} RecordView
 */

/**
 * @param {Pick<import("./commands.js").Parts, "rules" | "snapshots" | "tabs" | "recordTabs" | "session" | "api"> &
 *   {atRecord: ReturnType<typeof import("./assist.js").createAssist>["atRecord"]}} parts
 */
export function createRecordCommands({ atRecord, snapshots, tabs, recordTabs }) {
  return {
    /**
     * @param {{tab: number}} asked
     * @returns {Promise<Answer<RecordView>>}
     */
    record: ({ tab }) =>
      atRecord(tab, async ({ place, packages, workspace, api, address }) => {
        const [found, contacts] = await Promise.all([api.record(place.id), api.recordContacts(place.id)]);
        if (!found.ok) return found;
        const reading = await recordTabs.read(tab, searchFor(place, found.data.record, packages, workspace));
        const page = (await tabs.address(tab)) === address ? reading : null;
        const { record, synced_at, link, open_link } = found.data;
        return {
          ok: true,
          data: { record, synced_at, link, open_link, page, contacts: contacts.ok ? contacts.data : null, refused: contacts.ok ? null : contacts.problem },
        };
      }),

    /**
     * A contact that was suggested for the record of a tab, as the popup needs one to decide about.
     * @param {{tab: number, record: string, contact: KnownContact}} asked
     * @returns {Promise<Answer<AtContact & {snapshot: string}>>}
     */
    choose_contact: ({ tab, record, contact: known }) =>
      atRecord(tab, async ({ place, packages, workspace }) => {
        if (place.id !== record) return { ok: false, problem: problem("tab-moved") };
        const { package: name, kind, reference, organisation } = known;
        const contact = { package: name, package_name: packages.packages[name]?.name ?? name, kind, reference, organisation, cautions: [] };
        /** @type {AtContact} */
        const at = { page: "contact", source: "record", tab: null, contact, details: cleanDetails(known) };
        const { source, details } = at;
        const snapshot = await snapshots.keep({ source, tab: null, contact, details, connection_id: workspace.connection_id ?? null, at: { tab, record } });
        return { ok: true, data: { ...at, snapshot: snapshot.id } };
      }),
  };
}

/**
 * What the page of a snapshot's record shows just before a decision is sent; null where it is not surely read.
 * @param {ContactSnapshot} snapshot
 * @param {{packages: Packages, workspace: import("../types.js").Workspace, tabs: import("../page/target.js").Tabs, recordTabs: import("./assist.js").RecordTabs}} parts
 * @returns {Promise<{same: boolean, seen: {reference: string | null} | null}>}
 */
export async function readBeforeDecision({ at }, { packages, workspace, tabs, recordTabs }) {
  if (!at) return { same: true, seen: null };
  const place = recordAt(await tabs.address(at.tab), packages, workspace);
  if (place?.id !== at.record) return { same: false, seen: null };
  const reading = await recordTabs.read(at.tab, searchFor(place, null, packages, workspace));
  const after = recordAt(await tabs.address(at.tab), packages, workspace);
  if (after?.id !== at.record) return { same: false, seen: null };
  return { same: true, seen: seenOf(reading) };
}

/** @param {PageReading | null} reading */
function seenOf(reading) {
  if (reading?.state === "shown") return { reference: reading.value };
  return reading?.state === "empty" ? { reference: null } : null;
}
