// @ts-check
// Writing a reference on a record's own page: look, ask the server, fill, and read again after the person has saved.
// What was decided and how it ended is the server's; what is here may be ended at any moment.

(() => {
  const OWN = "crmlinkAssist";
  const world = /** @type {any} */ (globalThis);
  const tools = /** @type {import("../../lib/commusoft/types.js").PageTools} */ (world.crmlinkPage);
  const { createPanel, createViews, describeField, pickField, watchTyping } = /** @type {Required<import("./types.js").PanelTools>} */ (world.crmlinkPanel);

  const POLL_MS = 500; // milliseconds
  const IDLE_TICKS = 4;
  const SETTLE_MS = 1_500; // what a page shows right after saving may be taken back
  const LOAD = "load";
  const LOADS_WITHIN = 15_000;
  const MAY_LOAD = 4_000; // a page that does not show its record yet

  /** @typedef {import("./types.js").Job} Job */
  /** @typedef {import("./types.js").Situation} Situation */

  const before = /** @type {{isAlive: () => boolean, open: () => void, leave: () => void} | undefined} */ (world[OWN]);
  if (before?.isAlive()) return before.open();
  before?.leave();

  /** @type {Job | null} */
  let job = null;
  /** What is on the panel that no look at the page changes. @type {"open" | "busy" | "ended" | "picking"} */
  let phase = "open";
  /** @type {{link: string, field: HTMLInputElement, old: string} | null} */
  let filled = null;
  /** @type {{text: string, since: number} | null} */
  let resting = null;
  let closed = false;
  let sureOf = "";
  let shownFor = "";
  let arrivedAt = Date.now();
  let drawn = "";
  let asked = 0;
  /** Why this page is not believed until it is loaded again. */
  let outdated = "";
  let endPick = () => {};
  let loading = 0;
  let changed = true;
  let idle = 0;
  /** The keyboard goes to the panel with its next words: the person asked for them. */
  let called = false;
  /** Links whose reference was typed in this document, by whomever: what it shows is no proof of them any more. @type {Set<string>} */
  const filledHere = new Set();
  /** What the page complained of before the field was filled. @type {Set<Element>} */
  let complaints = new Set();
  const ending = new AbortController();
  const { touched, watchFrames, holdsUnsaved } = watchTyping(noteInput, ending.signal);
  /** Fields that did not take the value, and hold what they held before. @type {WeakMap<Element, string>} */
  const putBack = new WeakMap();
  const startedAt = performance.now();

  const isAlive = () => Boolean(globalThis.chrome?.runtime?.id);
  /** @type {import("./types.js").Words} */
  const say = (key, ...values) => (isAlive() && chrome.i18n.getMessage(key, values)) || "";
  const panel = createPanel(say, () => {
    closed = true;
    endPick();
    if (phase !== "busy") phase = "open";
  });
  const views = createViews(say);

  /** @type {import("./types.js").Steps} */
  const steps = {
    fill: () => void fill(null),
    edit: (edit) => {
      edit.click();
      again();
      called = true; // when the field is there
    },
    withdraw: () => void withdraw(),
    close: () => {
      panel.hide();
      closed = true;
      phase = "open";
    },
    again,
    sure: () => {
      sureOf = job ? job.link.id + location.href : "";
      again();
    },
    pick,
  };

  /** @param {string} type @param {object} [fields] @returns {Promise<any>} */
  async function send(type, fields = {}) {
    try {
      return await chrome.runtime.sendMessage({ type, ...fields });
    } catch {
      if (!isAlive()) leave();
      return null;
    }
  }

  /** Which decision waits for this page, if any. */
  async function ask() {
    asked += 1;
    const mine = asked;
    const address = location.href;
    const answer = await send("assist_read");
    if (mine !== asked || address !== location.href) return;
    const found = answer?.ok && answer.data?.address === address ? /** @type {Job} */ (answer.data) : null;
    if (filled && filled.link !== found?.link.id) filled = null;
    job = found;
    if (phase !== "ended" || !found) phase = "open";
    if (!job) return panel.hide();
    if (outdated) return showView(views.trouble(outdated, steps));
    drawn = "";
    changed = true;
    tick();
  }

  /** @returns {Situation} */
  function situation() {
    const { search, link } = /** @type {Job} */ (job);
    const target = link.reference ?? "";
    const sure = sureOf === link.id + location.href;
    const reading = tools.readReference(document, { ...search, subject: { ...search.subject, sure }, textOnly: filledHere.has(link.id) });
    const { found, shown } = reading;
    if (!sure && !tools.showsSubject(document, search.subject.names)) {
      return { kind: Date.now() - arrivedAt < MAY_LOAD ? "waiting" : "doubt" };
    }
    const { field } = found;
    if (field && filled?.field === field && field.value === target) return { kind: "save" };
    if (field && !tools.agrees(reading)) return { kind: "differs" };
    if (field && field.value === target) return !filledHere.has(link.id) && !tools.holdsDraft(document) && tools.isAsLoaded(field, { touched, since: startedAt }) ? { kind: "seen", value: field.value || null } : { kind: "save" };
    if (field && filled?.field !== field && isEdited(field)) return { kind: "edited" };
    if (field) return { kind: "ready", field, value: field.value || null };
    if (filled && shown.state !== "shown" && shown.state !== "empty") return { kind: "save" };
    if (found.state === "several") return { kind: "several", count: found.count };
    const edit = tools.findEdit(document, search);
    const inText = shown.state === "unknown" && edit === null && found.unfit[0]?.why === "not-text";
    if (shown.state === "absent" || inText) return { kind: "missing", why: found.unfit[0]?.why ?? null, edit };
    return { kind: "shown", value: shown.state === "shown" ? shown.value : shown.state === "empty" ? null : undefined, edit };
  }

  /** Whether the person has typed into it and not saved. @param {HTMLInputElement} field */
  const isEdited = (field) => putBack.get(field) !== field.value && (touched.has(field) || field.classList.contains("ng-dirty"));

  function tick() {
    if (!isAlive()) return leave();
    if (location.href !== shownFor) return arrive();
    if (!job || outdated || phase === "busy" || phase === "picking") return;
    // A page in which nothing happened is not read again each time; what a frame does is not heard.
    idle += 1;
    if (!changed && !resting && idle < IDLE_TICKS) return;
    [changed, idle] = [false, 0];
    watchFrames();
    const now = situation();
    if (isTelling(now)) return void observeAtRest(now);
    resting = null;
    if (phase === "open" && !closed) draw(now);
  }

  /** The page has gone on, to another record or another part of this one. */
  function arrive() {
    shownFor = location.href;
    arrivedAt = Date.now();
    outdated = "";
    resting = null;
    closed = false;
    endPick();
    if (phase !== "busy") phase = "open";
    panel.hide();
    void ask();
  }

  /** @param {Situation} now */
  function draw(now) {
    if (!job) return;
    const key = JSON.stringify([now, job.link.id], (_, value) => (value instanceof Element ? value.id || value.localName : value));
    if (key === drawn) return;
    const view = views.situation(now, job, steps);
    if (!view) return;
    drawn = key;
    panel.show(view, { focus: called, field: now.kind === "ready" ? now.field : filled?.field });
    called = false;
  }

  /** @param {import("./types.js").PanelView} view */
  function showView(view) {
    phase = "ended";
    closed = false;
    drawn = "";
    panel.show(view, { focus: false });
  }

  /** Whether the page shows how it ended: our value, or after our filling and without the field any value. @param {Situation} now */
  function isTelling(now) {
    const target = job?.link.reference ?? null;
    if ((now.kind === "seen" || now.kind === "shown") && tools.holdsDraft(document)) return false;
    if (now.kind === "seen") return true;
    if (now.kind !== "shown" || now.value === undefined) return false;
    return now.value === target || filled !== null || Boolean(job?.was_filled);
  }

  /** @param {Situation} now */
  async function observeAtRest(now) {
    const value = now.kind === "seen" || now.kind === "shown" ? (now.value ?? null) : null;
    const text = JSON.stringify([now.kind, value]);
    const complains = filled !== null && tools.failuresIn(document).some((one) => !complaints.has(one));
    if (resting?.text !== text || complains) resting = { text, since: Date.now() };
    if (Date.now() - resting.since < SETTLE_MS) return;
    const { link } = /** @type {Job} */ (job);
    if (filledHere.has(link.id) && value === (link.reference || null)) return loadAgain();
    resting = null;
    const stage = filled || job?.was_filled ? "after" : "before";
    const answer = await observe(stage, value, null);
    if (!answer) return;
    if (!answer.ok) return refuse(answer.problem);
    filled = null;
    if (answer.data.link.state !== "intended") return settle(answer.data.link);
    if (job) job.was_filled = false;
    showView(views.notSeen(steps));
  }

  /**
   * A page may show what was typed before it is saved, and take it back later: what it shows counts once it was loaded
   * anew. What a person typed elsewhere is not lost by that.
   */
  function loadAgain() {
    const { stays } = /** @type {Job} */ (job);
    if (stays && !loading && !holdsUnsaved()) {
      loading = Date.now();
      return location.reload();
    }
    // The browser may have asked the person, who stayed.
    if (loading && Date.now() - loading < LOADS_WITHIN) return;
    if (phase === "open" && drawn !== LOAD) panel.show(views.loadAgain(stays, () => location.reload(), steps), { focus: false });
    drawn = LOAD;
  }

  /**
   * What the server says to what the page shows; null where the page has gone on since.
   * @param {"before" | "after"} stage
   * @param {string | null} value
   * @param {string | null} replaces
   */
  async function observe(stage, value, replaces) {
    if (!job) return null;
    const { link } = job;
    const address = location.href;
    phase = "busy";
    const answer = await send("assist_observe", { link: link.id, stage, value, replaces, record_version: link.record_version ?? null });
    if (answer?.ok) link.record_version = answer.data.link.record_version;
    if (phase === "busy") phase = "open";
    if (address !== location.href || job?.link.id !== link.id) return null;
    return answer ?? { ok: false, problem: null };
  }

  /** What is read from a page that was opened too early would be as old the next time. @param {import("../../lib/types.js").Problem | null} problem */
  function refuse(problem) {
    if (problem?.type === "page-read-earlier") outdated = problem.detail;
    showView(views.trouble(problem?.detail ?? "", steps));
  }

  /** @param {Job["link"]} link */
  function settle(link) {
    filled = null;
    job = null;
    showView(views.outcome(link, steps));
  }

  /** @param {string | null} replaces the other reference that the person agreed to replace */
  async function fill(replaces) {
    const now = situation();
    if (!job || now.kind !== "ready") return again();
    const { link } = job;
    const { field, value } = now;
    const address = location.href;
    panel.show(views.busy(), { focus: true });
    const answer = await observe("before", value, replaces);
    if (!answer) return again();
    if (!answer.ok && answer.problem?.type === "record-has-reference") return askToReplace(answer.problem.current_reference ?? value);
    if (!answer.ok) return refuse(answer.problem);
    if (answer.data.link.state !== "intended") return settle(answer.data.link);
    const then = situation();
    if (!answer.data.fill || then.kind !== "ready" || then.field !== field || then.value !== value) return again();
    phase = "busy";
    const same = () => location.href === address && job?.link.id === link.id;
    complaints = new Set(tools.failuresIn(document));
    filledHere.add(link.id);
    const drawnAnew = () => tools.findField(document, /** @type {Job} */ (job).search).field;
    const result = await tools.fillField(field, link.reference ?? "", { same, again: drawnAnew, own: panel.host });
    phase = "open";
    if (result.ok) void send("assist_filled", { link: link.id });
    if (result.restored) putBack.set(field, value ?? "");
    if (!result.ok) return showView(views.notFilled(result, steps));
    filled = { link: link.id, field: result.field ?? field, old: value ?? "" };
    called = true;
    again();
  }

  /** @param {string | null} now */
  function askToReplace(now) {
    if (!job) return;
    showView(views.replace(job, now, { ...steps, replace: () => {
      phase = "open";
      void fill(now);
    } }));
  }

  /** The person gives the decision up: what was filled and not saved goes first. */
  async function withdraw() {
    if (!job) return;
    const { link } = job;
    const address = location.href;
    const same = () => location.href === address;
    panel.show(views.busy(), { focus: true });
    phase = "busy";
    if (filled?.field.isConnected && filled.field.value === (link.reference ?? "")) {
      const result = await tools.fillField(filled.field, filled.old, { same, own: panel.host });
      if (!result.ok) return showView(views.notFilled({ ...result, restored: false }, steps));
    }
    if (!same() || !job) return again();
    const now = situation();
    const seen = now.kind === "ready" || (now.kind === "shown" && now.value !== undefined);
    const value = seen && "value" in now ? (now.value ?? null) : null;
    const answer = await send("assist_withdraw", { link: link.id, seen, value });
    if (!same()) return again();
    if (!answer?.ok) return showView(views.trouble(answer?.problem?.detail ?? "", steps));
    return settle(answer.data.link);
  }

  function again() {
    endPick();
    phase = "open";
    closed = false;
    drawn = "";
    resting = null;
    changed = true;
    if (!job) return void ask();
    tick();
  }

  function pick() {
    endPick();
    phase = "picking";
    panel.show(views.pick(steps), { focus: false });
    const end = pickField(picked, (target) => target === panel.host);
    endPick = () => {
      end();
      endPick = () => {};
    };
  }

  /** @param {HTMLInputElement} field */
  function picked(field) {
    const described = job && tools.unfitness(field, job.search.subject, { byHeading: false }) === null ? describeField(field) : null;
    panel.show(views.picked(described, { ...steps, use: () => described && void use(described) }), { focus: true });
  }

  /** @param {{selector: string, label: string}} described */
  async function use(described) {
    endPick();
    phase = "busy";
    const answer = await send("assist_field", described);
    phase = "open";
    if (!answer?.ok) return showView(views.trouble(answer?.problem?.detail ?? "", steps));
    await ask();
  }

  /** Called again by the popup: the panel was closed, or something was decided since. */
  function open() {
    closed = false;
    called = true;
    drawn = "";
    if (phase === "ended") phase = "open";
    void ask();
  }

  /** @param {EventTarget | undefined} target */
  function noteInput(target) {
    changed = true;
    // Typed by hand, pasted or filled in: what the page shows of it from now on may be no more than that.
    const held = target && "value" in target ? target.value : /** @type {Node | undefined} */ (target)?.textContent?.trim();
    if (job && held === (job.link.reference ?? "")) filledHere.add(job.link.id);
  }

  /** @param {any} message @param {chrome.runtime.MessageSender} sender */
  function onMessage(message, sender) {
    if (sender.id !== chrome.runtime.id || sender.tab) return;
    if (message?.type === "leave") leave();
    if (message?.type === "refresh" && phase === "open" && !filled) void ask();
  }

  const pulse = setInterval(tick, POLL_MS);
  const watch = new MutationObserver(() => (changed = true));

  function leave() {
    asked += 1;
    clearInterval(pulse);
    watch.disconnect();
    endPick();
    panel.leave();
    ending.abort();
    if (isAlive()) chrome.runtime.onMessage.removeListener(onMessage);
    world[OWN] = undefined;
  }

  world[OWN] = { isAlive, open, leave };
  watchFrames();
  watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  chrome.runtime.onMessage.addListener(onMessage);
  tick();
})();
