// @ts-check
// A long list, of which only the part around what is looked at is in the page. The server
// renders the rows; a part that is far away is an empty list of the height that it had.

const AROUND = "1400px 0px"; // how far beyond the screen rows are kept ready
const CALM = 70; // milliseconds a part must stay near before it is asked for
const LINGERS = 800; // milliseconds a part that went out of reach is kept
const KEPT = 4; // so many parts are too few to take any away
const GUESS = 120; // pixels of a row that was not drawn yet

/**
 * @typedef {{places: number[], element: HTMLOListElement, loaded: boolean, timer: number,
 *   asked: AbortController | null}} Part
 */

/** @param {string} ranges such as "1-50,53" */
export function expand(ranges) {
  return ranges.split(",").filter(Boolean).flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/** @param {string} html rows as the server rendered them */
export function parsed(html) {
  const rows = new DOMParser().parseFromString(html, "text/html").querySelectorAll("li.row");
  return /** @type {HTMLElement[]} */ ([...rows]);
}

/** Whether an answer is the log-in in place of what was asked for. @param {Response} answer */
export function isOver(answer) {
  return answer.status === 401 || (answer.redirected && new URL(answer.url).pathname === "/log-in");
}

export class Rows {
  /** @param {HTMLElement} list @param {string} address */
  constructor(list, address) {
    this.list = list;
    this.address = address;
    this.refreshing = this.wanted = false;
    /** Rows that wait until no control in them has the focus. @type {Map<string, HTMLElement>} */
    this.late = new Map();
    list.addEventListener("focusout", () => setTimeout(() => this.#putLate()));
    this.places = expand(list.dataset.places ?? "");
    const atOnce = (this.atOnce = Number(list.dataset.atOnce) || 50);
    const first = /** @type {HTMLOListElement} */ (list.querySelector("ol"));
    const height = first.children.length ? first.offsetHeight / first.children.length : GUESS;
    /** @type {Part[]} */
    this.parts = [];
    for (let start = 0; start < this.places.length; start += atOnce) {
      const places = this.places.slice(start, start + atOnce);
      const element = start ? document.createElement("ol") : first;
      this.parts.push({ places, element, loaded: start === 0, timer: 0, asked: null });
      if (!start) continue;
      element.className = "rows";
      element.style.height = `${Math.round(places.length * height)}px`;
      list.append(element);
    }
    this.watch = new IntersectionObserver((seen) => seen.forEach((each) => this.#moved(each)), {
      rootMargin: AROUND,
    });
    for (const part of this.parts) this.watch.observe(part.element);
  }

  /** @param {number} place @returns {HTMLElement | null} */
  row(place) {
    return document.getElementById(`row-${place}`);
  }

  /** The place so many rows further; null beyond the ends. @param {number} place @param {number} step */
  beside(place, step) {
    const index = this.places.indexOf(place);
    return index < 0 ? null : (this.places[index + step] ?? null);
  }

  /** The places from one to another, in the list's order. @param {number} from @param {number} to */
  between(from, to) {
    const [start, end] = [this.places.indexOf(from), this.places.indexOf(to)];
    if (start < 0 || end < 0) return [to];
    return this.places.slice(Math.min(start, end), Math.max(start, end) + 1);
  }

  /** Rows as they are now, without putting them into the page. @param {number[]} places */
  async read(places) {
    const found = /** @type {HTMLElement[]} */ ([]);
    for (let start = 0; start < places.length; start += this.atOnce) {
      const at = encodeURIComponent(ranges(places.slice(start, start + this.atOnce)));
      const answer = await fetch(`${this.address}?at=${at}`).catch(() => null);
      if (!answer?.ok) return tellOffline(), found;
      found.push(...parsed(await answer.text()));
    }
    return found;
  }

  /** The row, fetched if it has to be. @param {number} place */
  async bring(place) {
    const part = this.parts.find((each) => each.places.includes(place));
    if (part && !part.loaded) await this.#load(part);
    return this.row(place);
  }

  /** The first row that is on the screen. */
  firstSeen() {
    const rows = [...this.list.querySelectorAll(".row")];
    const seen = rows.find((row) => row.getBoundingClientRect().bottom > 80);
    return seen ? Number(/** @type {HTMLElement} */ (seen).dataset.place) : (this.places[0] ?? null);
  }

  /** Fetch again what is in the page, and change the rows that others have changed. */
  async refresh() {
    this.wanted = true;
    if (this.refreshing) return;
    this.refreshing = true;
    while (this.wanted) {
      this.wanted = false;
      for (const part of this.parts.filter((each) => each.loaded)) {
        const rows = await this.#fetch(part);
        if (part.loaded) rows?.forEach((row) => this.put(row));
      }
    }
    this.refreshing = false;
  }

  /** Put a new version of a row in place of the old; where nothing changed, nothing is touched.
   * @param {HTMLElement} row @param {boolean} [force] */
  put(row, force = false) {
    const old = document.getElementById(row.id);
    if (!old || !this.list.contains(old)) return;
    if (!force && old.dataset.stamp === row.dataset.stamp) return;
    if (version(row) < version(old)) return; // it was asked for before the last decision
    const inside = old.contains(document.activeElement);
    this.late.delete(row.id);
    if (!force && inside && document.activeElement !== old) {
      this.late.set(row.id, row);
      return;
    }
    const open = old.querySelector("details")?.open ?? false;
    const fresh = document.adoptNode(row);
    old.replaceWith(fresh);
    const others = fresh.querySelector("details");
    if (others) others.open = open;
    if (old.hasAttribute("aria-current")) fresh.setAttribute("aria-current", "true");
    if (inside) fresh.focus({ preventScroll: true });
    this.list.dispatchEvent(new CustomEvent("rows:shown"));
  }

  /** Put the rows that waited, except where the keyboard still is. */
  #putLate() {
    for (const row of [...this.late.values()]) this.put(row);
  }

  /** @param {IntersectionObserverEntry} seen */
  #moved(seen) {
    const part = this.parts.find((each) => each.element === seen.target);
    if (!part) return;
    clearTimeout(part.timer);
    if (seen.isIntersecting) {
      if (!part.loaded) part.timer = window.setTimeout(() => void this.#load(part), CALM);
    } else {
      part.asked?.abort();
      part.timer = window.setTimeout(() => this.#empty(part), LINGERS);
    }
  }

  /** @param {Part} part */
  #empty(part) {
    if (this.parts.length <= KEPT || !part.loaded) return;
    if (part.element.contains(document.activeElement)) return;
    part.element.style.height = `${part.element.offsetHeight}px`;
    part.element.replaceChildren();
    part.loaded = false;
  }

  /** @param {Part} part */
  async #load(part) {
    const rows = await this.#fetch(part);
    if (!rows || part.loaded) return;
    part.element.replaceChildren(...rows.map((row) => document.adoptNode(row)));
    part.element.style.height = "";
    part.loaded = true;
    this.list.dispatchEvent(new CustomEvent("rows:shown"));
  }

  /** @param {Part} part */
  async #fetch(part) {
    part.asked?.abort();
    part.asked = new AbortController();
    try {
      const at = encodeURIComponent(ranges(part.places));
      const answer = await fetch(`${this.address}?at=${at}`, { signal: part.asked.signal });
      if (isOver(answer)) location.reload();
      return answer.ok ? parsed(await answer.text()) : null;
    } catch (error) {
      if (/** @type {Error} */ (error).name !== "AbortError") tellOffline();
      return null;
    }
  }
}

/** Grows with every decision on the row. @param {HTMLElement} row */
function version(row) {
  return Number.parseInt(row.dataset.stamp ?? "", 10);
}

/** Say that the server did not answer. @param {boolean} [deciding] a decision was sent */
export function tellOffline(deciding = false) {
  const banner = document.getElementById("offline");
  const unanswered = document.getElementById("unanswered");
  if (banner) banner.hidden = false;
  if (unanswered && deciding) unanswered.hidden = false;
}

/** @param {number[]} places */
function ranges(places) {
  const runs = /** @type {number[][]} */ ([]);
  for (const place of places) {
    const last = runs.at(-1);
    if (last?.[1] !== undefined && last[1] + 1 === place) last[1] = place;
    else runs.push([place, place]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}
