// @ts-check
// A record's form beside what Sage Business Cloud has: the differences that were linked over, and which fields they
// are in. Nothing is filled but what the person asks for, one field at a time.

import { needsExactMatch } from "./sage_exact_match.js";
import { crmRule } from "../page/crm_tables.js";
import { problem } from "../server/problem.js";

/** @typedef {import("../types.js").Difference} Difference */
/** @typedef {import("../types.js").Link} Link */

/**
 * @template T
 * @typedef {import("../types.js").Answer<T>} Answer
 */

/** @typedef {"company" | "first_name" | "last_name" | "email" | "line_1" | "line_2" | "line_3" | "town" | "postcode"} Part */
/**
 * What our script in a record's page compares its form with.
 * @typedef {{name: string, subject: import("../commusoft/types.js").Subject, labels: Record<Part, string[]>, parts: Partial<Record<Part, string>>}} SageView
 */

const POSTCODE = /^[A-Z]{1,2}[0-9][A-Z0-9]?\s?[0-9][A-Z]{2}$/i;

/**
 * @param {object} parts
 * @param {Pick<import("./link_table.js").TableTabs, "compare">} parts.tableTabs
 * @param {ReturnType<typeof import("./assist.js").createAssist>["atRecord"]} parts.atRecord
 */
export function createSageForm({ tableTabs, atRecord }) {
  return {
    popup: {
      /** @param {{tab: number}} asked @returns {Promise<Answer<null>>} */
      sage_compare: ({ tab }) =>
        atRecord(tab, async () => ((await tableTabs.compare(tab)) ? { ok: true, data: null } : { ok: false, problem: problem("tab-moved") })),
    },

    page: {
      /** @param {number} tab @returns {Promise<Answer<SageView>>} */
      sage_begin: (tab) =>
        atRecord(tab, async ({ api, place, packages }) => {
          const found = await api.record(place.id);
          if (!found.ok) return found;
          const { record, link, open_link } = found.data;
          /** @type {Link | null} */
          const about = open_link ?? link;
          if (!about || !needsExactMatch(about.package)) return { ok: false, problem: problem("tab-moved") };
          const names = [record.label, record.company, record.name].filter(Boolean);
          return {
            ok: true,
            data: {
              name: record.label, subject: { kind: place.kind, number: place.number, names }, labels: crmRule(packages)?.detail_labels ?? {},
              parts: partsOf(about.differences ?? [], record.company !== ""),
            },
          };
        }),
    },
  };
}

/**
 * What Sage has, field by field of the form, where the person linked over a difference.
 * @param {Difference[]} differences
 * @param {boolean} isCompany
 * @returns {Partial<Record<Part, string>>}
 */
export function partsOf(differences, isCompany) {
  return Object.assign({}, ...differences.map(({ field, contact }) => {
    if (field === "email") return { email: contact };
    return field === "name" ? nameParts(contact, isCompany) : addressParts(contact);
  }));
}

/** @param {string} name @param {boolean} isCompany */
function nameParts(name, isCompany) {
  if (isCompany) return { company: name };
  const words = name.split(" ");
  return { first_name: words.slice(0, -1).join(" "), last_name: words.at(-1) ?? "" };
}

/**
 * Lines, town and postcode, as `exactFields` put them in a row; {} where they cannot be told apart.
 * @param {string} address
 */
function addressParts(address) {
  const parts = address.split(", ");
  const postcode = parts.pop() ?? "";
  const town = parts.pop();
  if (!POSTCODE.test(postcode) || town === undefined || parts.length > 3) return {};
  const [line_1 = "", line_2 = "", line_3 = ""] = parts;
  return { line_1, line_2, line_3, town, postcode };
}
