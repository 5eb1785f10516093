// @ts-check
// What the panel says, in each situation of a record's page.

(() => {
  const own = /** @type {{crmlinkPanel: import("./types.js").PanelTools}} */ (/** @type {unknown} */ (globalThis));

  /** @typedef {import("./types.js").Job} Job */
  /** @typedef {import("./types.js").PanelView} PanelView */
  /** @typedef {import("./types.js").Situation} Situation */
  /** @typedef {import("./types.js").Steps} Steps */

  /** Why a field that has the label is not filled. @type {Record<string, string>} */
  const UNFIT = {
    "readonly": "assist_why_readonly", "disabled": "assist_why_readonly", "hidden": "assist_why_hidden", "not-text": "assist_why_kind",
    "search": "assist_why_other", "sign-in": "assist_why_other", "foreign": "assist_why_other", "shared-label": "assist_why_shared",
  };
  /** Why the page did not take the value. @type {Record<string, string>} */
  const NOT_FILLED = {
    "moved": "assist_not_moved", "gone": "assist_not_gone", "covered": "assist_not_covered", "too-long": "assist_not_too_long", "spaces": "assist_not_spaces",
    "changed": "assist_not_changed", "invalid": "assist_not_changed", "not-taken": "assist_not_taken", "others": "assist_not_others",
  };

  /**
   * @param {import("./types.js").Words} say
   * @returns {import("./types.js").Views}
   */
  function createViews(say) {
    /** @param {Steps} steps */
    const close = (steps) => ({ words: say("assist_close"), act: steps.close, hint: "Esc" });
    /** @param {Steps} steps */
    const withdraw = (steps) => ({ words: say("assist_withdraw"), act: steps.withdraw });
    /** @param {Steps} steps */
    const again = (steps) => ({ words: say("look_again"), act: steps.again });

    /** @param {Job} job */
    function decided({ link }) {
      return say("assist_decided", link.contact_name || say("a_contact"), link.by, new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" }).format(Date.parse(link.created_at)));
    }

    /**
     * @param {Extract<Situation, {kind: "shown" | "missing"}>} now
     * @param {Steps} steps
     */
    const editing = (now, steps) => {
      const { edit } = now;
      return edit ? [{ words: say("assist_press_edit"), act: () => steps.edit(edit), hint: "Enter" }] : [again(steps)];
    };

    /** @type {{[K in Situation["kind"]]: (now: Extract<Situation, {kind: K}>, job: Job, steps: Steps) => PanelView | null}} */
    const views = {
      waiting: () => null,
      seen: () => null,
      doubt: (_, job, steps) => ({
        title: say("assist_doubt", job.link.record), lines: [say("assist_doubt_text")], tone: "caution",
        actions: [again(steps), { words: say("assist_doubt_sure"), act: steps.sure }, withdraw(steps)],
      }),
      ready: (now, job, steps) => ({
        title: say("assist_ready"), lines: [job.link.record], small: decided(job), change: { before: now.value, after: job.link.reference }, asks: true,
        actions: [{ words: say("assist_fill"), act: steps.fill, hint: "Enter" }, close(steps), withdraw(steps)],
      }),
      shown: (now, job, steps) => ({
        title: say("assist_shown"), lines: [say("assist_shown_text", job.link.record)], small: decided(job), change: { before: now.value, after: job.link.reference }, asks: now.edit !== null,
        actions: [...editing(now, steps), close(steps), withdraw(steps)],
      }),
      save: (_, job, steps) => ({
        title: say("assist_save"), lines: [say("assist_save_text", job.link.record)], tone: "good", waits: true,
        actions: [{ words: say("close"), act: steps.close, hint: "Esc" }, withdraw(steps)],
      }),
      several: (now, job, steps) => ({
        title: say("assist_several"), lines: [say("assist_several_text", String(Math.max(2, now.count)))], tone: "caution", actions: [again(steps), ...showing(job, steps), close(steps)],
      }),
      differs: (_, __, steps) => ({ title: say("assist_several"), lines: [say("assist_differs_text")], tone: "caution", actions: [again(steps), close(steps)] }),
      edited: (_, __, steps) => ({ title: say("assist_edited"), lines: [say("assist_edited_text")], tone: "caution", actions: [again(steps), close(steps), withdraw(steps)] }),
      missing: (now, job, steps) => ({
        title: say("assist_missing"), lines: [say(now.why ? (UNFIT[now.why] ?? "assist_why_other") : "assist_missing_text")], small: decided(job), asks: now.edit !== null,
        ...(now.why === "not-text" ? { change: { before: undefined, after: job.link.reference } } : {}),
        actions: [...editing(now, steps), ...showing(job, steps), close(steps), withdraw(steps)],
      }),
    };

    /** @param {Job} job @param {Steps} steps */
    function showing(job, steps) {
      return job.may_show ? [{ words: say("assist_show_field"), act: steps.pick }] : [];
    }

    return {
      situation: (now, job, steps) => /** @type {any} */ (views)[now.kind](now, job, steps),

      outcome(link, steps) {
        const done = { words: say("close"), act: steps.close, hint: "Esc" };
        if (link.state === "linked") return { title: say("assist_linked"), lines: [say("assist_linked_text", link.record)], change: undefined, tone: "good", actions: [done] };
        if (link.state === "conflict") return { title: say("conflict"), lines: [link.failure ?? say("conflict_text", link.record)], tone: "caution", actions: [done] };
        return { title: say("assist_withdrawn"), lines: [say("assist_withdrawn_text", link.record)], actions: [done] };
      },

      /** @param {Job} job @param {string | null} now @param {Steps & {replace: () => void}} steps */
      replace: (job, now, steps) => ({
        title: say("assist_replace"), lines: [say("assist_replace_text", job.link.record)], tone: "caution", change: { before: now, after: job.link.reference }, asks: true,
        actions: [{ words: say("assist_keep"), act: steps.close }, { words: say("assist_replace_it"), act: steps.replace }, withdraw(steps)],
      }),

      /** @param {Steps} steps */
      notSeen: (steps) => ({ title: say("assist_not_seen"), lines: [say("assist_not_seen_text")], tone: "caution", actions: [again(steps), close(steps), withdraw(steps)] }),

      /** @param {boolean} stays whether we are there again then @param {() => void} load @param {Steps} steps */
      loadAgain: (stays, load, steps) => ({
        title: say(stays ? "assist_load" : "assist_load_and_ask"), lines: [say(stays ? "assist_load_text" : "assist_load_and_ask_text")], tone: "caution",
        actions: [{ words: say("assist_load_now"), act: load }, close(steps)],
      }),

      /** @param {{why: string | null, restored: boolean}} filled @param {Steps} steps */
      notFilled: ({ why, restored }, steps) => ({
        title: say("assist_not_filled"), lines: [say(NOT_FILLED[why ?? ""] ?? "assist_not_changed"), say(restored ? "assist_restored" : "assist_not_restored")], tone: "caution",
        actions: [again(steps), close(steps), withdraw(steps)],
      }),

      /** @param {string} words @param {Steps} steps */
      trouble: (words, steps) => ({ title: say("assist_trouble"), lines: [words || say("assist_trouble_text")], tone: "caution", actions: [again(steps), close(steps)] }),

      busy: () => ({ title: say("assist_busy"), lines: [], actions: [] }),

      /** @param {Steps} steps */
      pick: (steps) => ({ title: say("assist_pick"), lines: [say("assist_pick_text")], actions: [{ words: say("cancel"), act: steps.again }] }),

      /** @param {{label: string} | null} field @param {Steps & {use: () => void}} steps */
      picked: (field, steps) => (field
        ? { title: say("assist_picked"), lines: [say("assist_picked_text", field.label)], asks: true, actions: [{ words: say("assist_use_field"), act: steps.use, hint: "Enter" }, { words: say("assist_another_field"), act: steps.pick }, { words: say("cancel"), act: steps.again }] }
        : { title: say("assist_pick"), lines: [say("assist_pick_unnamed")], tone: "caution", actions: [{ words: say("assist_another_field"), act: steps.pick }, { words: say("cancel"), act: steps.again }] }),
    };
  }

  own.crmlinkPanel.createViews = createViews;
})();
