// @ts-check
// How old the records are, where they came from reports and lists and nothing keeps them up to date.

import { t, formatDateTime } from "./i18n.js";

/** @typedef {import("../lib/types.js").Workspace} Workspace */

/**
 * A sentence for each kind; "" where the records come from the API.
 * @param {Pick<Workspace, "mirror"> | null | undefined} workspace
 */
export function recordAge(workspace) {
  const imports = workspace?.mirror.imports ?? [];
  return imports.map(({ kind, read_at }) => t(kind === "customer" ? "imported_customers" : "imported_suppliers", formatDateTime(read_at))).join(" ");
}
