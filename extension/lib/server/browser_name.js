// @ts-check
// What this browser is called, for the person who approves it.

/** By what a browser calls itself, the more telling names first. */
/** @type {[string, string][]} */
const BRANDS = [["Microsoft Edge", "Edge"], ["Opera", "Opera"], ["Vivaldi", "Vivaldi"], ["Brave", "Brave"], ["Google Chrome", "Chrome"], ["Chromium", "Chromium"]];
/** @type {[string, string][]} */
const AGENTS = [["Edg/", "Edge"], ["OPR/", "Opera"], ["Firefox/", "Firefox"], ["Chrome/", "Chrome"]];
/** @type {Record<string, string>} */
const SYSTEMS = { win: "Windows", mac: "macOS", linux: "Linux", cros: "ChromeOS", android: "Android", openbsd: "OpenBSD", fuchsia: "Fuchsia" };

/**
 * @param {{userAgent?: string, userAgentData?: {brands: {brand: string}[]}}} navigator
 * @param {string} system as chrome.runtime.getPlatformInfo names it
 * @returns {string} "Edge on Windows"
 */
export function browserName({ userAgent = "", userAgentData }, system) {
  const brands = userAgentData?.brands.map((one) => one.brand) ?? [];
  const found = BRANDS.find(([brand]) => brands.includes(brand)) ?? AGENTS.find(([mark]) => userAgent.includes(mark));
  const name = found?.[1] ?? "Browser";
  return Object.hasOwn(SYSTEMS, system) ? `${name} on ${SYSTEMS[system]}` : name;
}
