// @ts-check
// Everything a page may ask of the background: one list. What is not on it, or comes from elsewhere, is refused.

/** @typedef {(value: unknown) => boolean} Check */

/** @param {number} longest @returns {Check} */
const text = (longest) => (value) => typeof value === "string" && value.length <= longest;

/** @type {Check} */
const id = (value) => typeof value === "string" && /^[A-Za-z0-9._:-]{1,100}$/.test(value);

/** @type {Check} */
const tab = (value) => Number.isInteger(value) && Number(value) >= 0;

/** @type {Check} */
const kind = (value) => value === "customer" || value === "supplier";

/** @type {Check} */
const flag = (value) => typeof value === "boolean";

/** @param {Check} check @returns {Check} */
const orNull = (check) => (value) => value === null || check(value);

/** @param {Check} check @param {number} most @returns {Check} */
const listOf = (check, most) => (value) =>
  Array.isArray(value) && value.length <= most && value.every(check);

/** @param {Record<string, Check>} fields @returns {Check} */
const shape = (fields) => (value) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const given = Object.entries(value);
  return (
    given.length === Object.keys(fields).length &&
    given.every(([name, field]) => Object.hasOwn(fields, name) && fields[name]?.(field))
  );
};

const difference = shape({ field: text(20), contact: text(500), record: text(500) });
const typed = orNull(shape({ name: text(300), postcode: text(20) }));
const address = shape({ address: text(500), town: text(300), postcode: text(50) });
const knownContact = shape({
  package: id, package_name: text(100), organisation: orNull(text(200)), kind: orNull(kind), reference: text(200), label: text(500),
  name: text(300), company: text(300), person: text(300), email: text(320), phones: listOf(text(60), 20), address: text(500),
  town: text(300), postcode: text(50), other_emails: listOf(text(320), 20), other_addresses: listOf(address, 20), retired: flag,
});
/** @type {Check} */
const count = (value) => Number.isInteger(value) && Number(value) >= 0;
/** When a page was loaded, by which the browser's pages are told apart. @type {Check} */
const instant = (value) => typeof value === "number" && Number.isFinite(value) && value > 0;
const seenRow = shape({ id, value: text(250), replaces: flag });
const POPUP = "/popup/popup.html";
const OPTIONS = "/options/options.html";

/** @type {Record<string, {from: string[], fields: Record<string, Check>}>} */
export const MESSAGES = {
  open_tab: { from: [POPUP], fields: { tab } },
  open_url: { from: [POPUP], fields: { address: text(8000) } },
  open_form: {
    from: [POPUP],
    fields: { package: id, reference: text(200), name: text(300), postcode: text(20), kind },
  },
  suggest: { from: [POPUP], fields: { snapshot: id, kind: orNull(kind), typed } },
  search: { from: [POPUP], fields: { snapshot: id, q: text(200), kind } },
  park: { from: [POPUP], fields: { snapshot: id, typed } },
  unpark: { from: [POPUP], fields: { parked: id } },
  confirm: {
    from: [POPUP],
    fields: {
      snapshot: id,
      kind,
      typed,
      record: id,
      replaces: orNull(text(200)),
      also_on: listOf(id, 50),
      checked_empty: flag,
      accepts_kind: flag,
      differences: listOf(difference, 10),
    },
  },
  collect: { from: [POPUP], fields: { list: id, batch: orNull(id) } },
  resume: { from: [POPUP], fields: { attempt: id } },
  acknowledge: { from: [POPUP], fields: { attempt: id } },
  refreshLink: { from: [POPUP], fields: { link: id } },
  undo: {
    from: [POPUP],
    fields: { snapshot: orNull(id), link: id, title: text(300), also_on: listOf(id, 50) },
  },
  record: { from: [POPUP], fields: { tab } },
  choose_contact: { from: [POPUP], fields: { tab, record: id, contact: knownContact } },
  assist_open: { from: [POPUP], fields: { link: id } },
  assist_here: { from: [POPUP], fields: { tab } },
  withdraw: { from: [POPUP], fields: { link: id } },
  sage_compare: { from: [POPUP], fields: { tab } },
  crm_page: { from: [POPUP], fields: { tab } },
  table_start: { from: [POPUP], fields: { tab, batch: id, list: text(300) } },
  records_send: { from: [POPUP], fields: { list: id, fresh: flag } },
  records_complete: { from: [POPUP], fields: { kind, removes: orNull(count) } },
  connection_status: { from: [POPUP, OPTIONS], fields: {} },
  pair: { from: [POPUP, OPTIONS], fields: { server: text(500) } },
  pair_again: { from: [POPUP, OPTIONS], fields: {} },
  pair_cancel: { from: [POPUP, OPTIONS], fields: {} },
  test: { from: [OPTIONS], fields: {} },
  disconnect: { from: [OPTIONS], fields: {} },
  on_page: { from: [OPTIONS], fields: {} },
  on_page_on: { from: [OPTIONS], fields: { package: id } },
  on_page_off: { from: [OPTIONS], fields: { package: id } },
};

/**
 * All that our scripts in a page may say: which page it is is asked of the browser, and which record by its address.
 * @type {Record<string, Record<string, Check>>}
 */
export const PAGE_MESSAGES = {
  page_mark: {},
  page_open: {},
  assist_read: {},
  assist_observe: { link: id, stage: (value) => value === "before" || value === "after", value: orNull(text(250)), replaces: orNull(text(250)), record_version: orNull(count) },
  assist_filled: { link: id },
  assist_withdraw: { link: id, seen: flag, value: orNull(text(250)) },
  sage_begin: {},
  table_begin: { page: instant },
  table_seen: { page: instant, rows: listOf(seenRow, 500) },
  table_filling: { page: instant, rows: listOf(id, 20_000) },
  table_reload: {},
  assist_field: { selector: text(300), label: text(100) },
};

/** Plain http is the sandbox's alone, which is on this computer. */
const PAGE = /^(?:https:\/\/|http:\/\/(?:127\.0\.0\.1|localhost|\[::1\])(?::[0-9]+)?\/)/;

/**
 * What our script in a page said, and in which tab; null for anyone and anything else.
 * @param {unknown} message
 * @param {{id?: string, url?: string, frameId?: number, tab?: {id?: number}}} sender
 * @param {{id: string, origin: string}} own
 * @returns {{type: string, tab: number, fields: any} | null}
 */
export function acceptPageMessage(message, sender, own) {
  if (sender.id !== own.id || typeof message !== "object" || message === null) return null;
  const { type, ...fields } = /** @type {Record<string, unknown>} */ (message);
  const rule = typeof type === "string" && Object.hasOwn(PAGE_MESSAGES, type) ? PAGE_MESSAGES[type] : null;
  if (typeof type !== "string" || !rule || !shape(rule)(fields)) return null;
  const from = sender.tab?.id;
  if (sender.frameId !== 0 || from === undefined || !PAGE.test(sender.url ?? "")) return null;
  return { type, tab: from, fields };
}

/**
 * The name of an admissible message, or null.
 * @param {unknown} message
 * @param {{id?: string, url?: string}} sender
 * @param {{id: string, origin: string}} own this extension's id and its pages' origin, without a closing slash
 * @returns {string | null}
 */
export function acceptMessage(message, sender, own) {
  if (sender.id !== own.id || typeof message !== "object" || message === null) return null;
  const { type, ...fields } = /** @type {Record<string, unknown>} */ (message);
  const rule = typeof type === "string" && Object.hasOwn(MESSAGES, type) ? MESSAGES[type] : null;
  if (typeof type !== "string" || !rule) return null;
  const page = ownPage(sender.url, own.origin);
  return page !== null && rule.from.includes(page) && shape(rule.fields)(fields) ? type : null;
}

/**
 * The path of one of our own pages, or null for any other sender.
 * @param {string | undefined} url
 * @param {string} origin
 */
function ownPage(url, origin) {
  if (!url || !URL.canParse(url)) return null;
  const sender = new URL(url);
  return `${sender.protocol}//${sender.host}` === origin ? sender.pathname : null;
}
