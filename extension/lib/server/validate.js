// @ts-check
// Whether an answer is what it should be: another program, or another version, may be where the server was.

/** @param {any} value */
const isText = (value) => typeof value === "string";

/**
 * @param {any} value
 * @returns {value is import("../types.js").CrmRecord}
 */
export function isRecord(value) {
  return isText(value?.id) && isText(value.kind) && isText(value.label) && Array.isArray(value.phones);
}

/**
 * @param {any} value
 * @returns {value is import("../types.js").Link}
 */
export function isLink(value) {
  return isText(value?.id) && isText(value.state) && isRecord(value.record);
}

/**
 * @param {any} value
 * @returns {value is {links: import("../types.js").Link[]}}
 */
export function isLinks(value) {
  return Array.isArray(value?.links) && value.links.every(isLink);
}

/**
 * A record's page: the record as crmlink has it, and what linked it.
 * @param {any} value
 */
export function isRecordResult(value) {
  return isRecord(value?.record) && (value.link === null || isLink(value.link)) && (value.open_link === null || isLink(value.open_link));
}

/**
 * @param {any} value
 * @returns {value is import("../types.js").RecordContacts}
 */
export function isRecordContacts(value) {
  return typeof value?.known === "number" && Array.isArray(value.suggestions) && value.suggestions.every(isContactSuggestion);
}

/** @param {any} value */
function isContactSuggestion({ contact, probability, reasons }) {
  return isText(contact?.package) && isText(contact.reference) && isText(contact.label) && isText(contact.name) &&
    typeof probability === "number" && Array.isArray(reasons);
}

/**
 * @param {any} value
 * @returns {value is import("../types.js").SuggestionAnswer}
 */
export function isSuggestionResult(value) {
  return (
    Array.isArray(value?.suggestions) && value.suggestions.every(isSuggestion) &&
    Array.isArray(value.holders) && value.holders.every(isRecord) &&
    (value.holder_links === undefined || (Array.isArray(value.holder_links) && value.holder_links.every(isLink))) &&
    (value.parked === undefined || value.parked === null || isParked(value.parked)) &&
    typeof value.none === "number" && (value.link === null || isLink(value.link))
  );
}

/** @param {any} value */
function isSuggestion(value) {
  return isRecord(value?.record) && typeof value.probability === "number" && Array.isArray(value.reasons);
}

/** @param {any} value */
export function isParked(value) {
  return isText(value?.id) && isText(value.by) && isText(value.created_at);
}

/** @param {any} value */
export function isSearchResult(value) {
  return Array.isArray(value?.records) && value.records.every(isRecord);
}

/**
 * @param {any} value
 * @returns {value is import("../types.js").Draft}
 */
export function isDraft(value) {
  return isText(value?.id) && isText(value.package) && isText(value.created_at) && typeof value.contacts === "number";
}

/** @param {any} value */
export function isAppendResult(value) {
  return isDraft(value) && typeof /** @type {any} */ (value).added === "number";
}

/** @param {any} value */
export function isDrafts(value) {
  return Array.isArray(value?.batches) && value.batches.every(isDraft);
}

/**
 * @param {any} value
 * @returns {value is import("../types.js").Workspace}
 */
export function isWorkspace(value) {
  return (
    isText(value?.name) && isText(value.device?.name) && typeof value.commusoft?.sandbox === "boolean" &&
    typeof value.mirror?.customers === "number" && typeof value.mirror.suppliers === "number"
  );
}

/** @param {any} value */
export function isListCounts(value) {
  return typeof value?.counts?.states === "object" && value.counts.states !== null;
}

/** @param {any} value */
export function isTableRows(value) {
  return Array.isArray(value?.rows) && value.rows.every(isTableRow) && (value.next === null || typeof value.next === "number");
}

/** @param {any} row */
function isTableRow(row) {
  const values = [row?.prior, row?.target].every((one) => one === null || isText(one));
  return isText(row?.link_id) && isText(row.number) && typeof row.alone === "boolean" && isRecord(row.record) && values;
}

/** @param {any} value */
export function isTableSeen(value) {
  return Array.isArray(value?.rows) && value.rows.every((/** @type {any} */ one) => isText(one?.link_id) && typeof one.fill === "boolean");
}

/** @param {any} value */
export function isRecordImport(value) {
  return [value?.new, value?.changed, value?.unchanged, value?.older, value?.gone, value?.would_remove].every((one) => typeof one === "number") && typeof value.finished === "boolean";
}
