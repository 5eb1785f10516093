// @ts-check
// Whether a part of a record's page is about the record: other forms and dialogs have fields of the same name.

(() => {
  const tools = /** @type {{crmlinkPage: import("./types.js").PageTools}} */ (/** @type {unknown} */ (globalThis)).crmlinkPage;
  const { childrenOf, isVisible, parentOf, textOf } = tools;

  const DIALOG = "dialog, [role=dialog], [role=alertdialog], [aria-modal=true], .modal, .ui-dialog, .mat-dialog-container, .mat-mdc-dialog-container, .cdk-dialog-container, .popover, .p-dialog, .ReactModal__Content";
  const FORM = "form, [role=form], fieldset, ng-form, [ng-form], [formgroup]";
  const HEADING = "h1, h2, h3, h4, h5, h6, legend, [role=heading], .modal-title, .ui-dialog-title, .mat-dialog-title, .mat-mdc-dialog-title, .panel-title, .card-title, summary, [class*=drawer-title i], [class*=drawertitle i], [class*=sheet-title i], [class*=sidebar-title i], [class*=offcanvas-title i], [class*=accordion-title i], [class*=panel-heading i], [class*=section-title], [class*=sectionTitle], [class*=section-header]";
  /** What holds a heading, and perhaps the buttons beside it. */
  const HEAD = "header, hgroup, [class*=head i], [class*=title i]";
  const MAX_HEADING = 150;
  const NAMES = ["id", "name", "action", "ng-submit", "data-ng-submit", "formgroup", "ng-form"];
  /** What is below a record, or beside it, and has pages and forms of its own. */
  const OTHER_THINGS = "job|invoice|invoicing|estimate|quote|quotation|contract|asset|appliance|appointment|diary|opportunity|opportunities|purchase order|parts|product|stock|credit note|certificate|engineer|employee|reminder|site|contacts|contact pe(?:rson|ople)|work address|branch|parent|related|sub|landlord|letting agent|new|add|create|merge|import|duplicate|log ?in|sign ?in|link customers|" +
    "tenant|occupier|occupant|managing agent|estate agent|payer|guarantor|next of kin|head office|subsidiary|subsidiarie|bill to|invoice to|linked accounts|(?:customer|supplier) group|" +
    "(?:billing|invoice|invoicing|paying|master|linked|preferred|default|referring) (?:customer|supplier|contact|company)|field label|template|filter|search|refine|recently viewed|recent (?:customer|supplier|record)|favourite|share|take a payment|" +
    "bulk|mass (?:edit|update)|(?:all|selected|several|multiple) (?:customer|supplier)|history|activity|audit|^changes$|recent changes|change ?log|timeline|messages|comments|chat|log";
  /** "Site: 12 Mill Lane": what a part is about, and which one. */
  const ONE_OF = /^\s*(?:edit(?:ing)?\s+)?(?:customer|supplier|contact|client|account|site|property|person|company)s?\s*[:#\u2013\u2014-]\s*(.*\p{L}.*)$/iu;
  /** How sections of a record's form are called; a heading of other words in capitals alone is a name. */
  const SECTION = /\b(?:account\w*|additional|address\w*|admin\w*|analysis|balance|bank\w*|billing|books?|codes?|commusoft|communication\w*|compan\w+|contact\w*|control|credit|custom\w*|data|default\w*|details?|edit\w*|email\w*|external|extra|fields?|financ\w+|form|further|general|groups?|id|ids|identifiers?|info\w*|integration\w*|internal|identification|landline|ledger\w*|links?|main|marketing|misc\w*|mobile|more|name\w*|nominal|notes?|numbers?|online|plans?|portal|prefer\w*|registr\w*|options?|other|overview|package|payment\w*|person\w*|phone\w*|pric\w+|primary|profile\w*|properties|property|quickbooks|records?|ref\w*|sage|sales|section|service\w*|settings?|setup|software|source\w*|statement\w*|status|summary|suppliers?|system\w*|tax\w*|telephone\w*|terms|third|type\w*|user\w*|vat|web\w*|xero)\b/i;
  /** The accounting side of the record's own form. */
  const ACCOUNTS = /^(?:accounts?|accounting|billing|finance|financial|credit|payments?|settings|preferences|options|defaults|details|and|invoicing|invoices?)(?: (?:accounts?|accounting|billing|finance|financial|credit|payments?|settings|preferences|options|defaults|details|and|invoicing|invoices))*$/;
  const REGION = "section, article, aside, fieldset, [role=region], [role=group], [role=tabpanel], [role=complementary], [role=form]";
  const ASIDE = "nav, footer, [role=navigation], [role=tooltip], [role=menu], [role=status], [role=alert], [role=log], [role=feed], [role=listbox]";
  const ASIDE_CLASS = /^(?:[a-z]+-)?(?:toast|toastr|snack-?bar|growl|notification|alert|callout|notice|chat|live-?chat|intercom|messenger|history|timeline|activity|audit|change-?log)s?(?:-(?:container|panel|list|widget|box|wrapper|area|item|log|feed|region|window|body|message))?$/;
  const MODEL = ["ng-model", "data-ng-model", "name"];
  /** A part of the page that is one of several things, or a thing of its own within the record. */
  const PART_OF_MODEL = ["formgroupname", "formarrayname", "ng-repeat", "data-ng-repeat"];
  const OTHER_PART = /^(?:site|landlord|branch|branche|tenant|agent|managingagent|occupier|payer|headoffice|workaddress|workaddresse|subcontractor|subaccount)s?$|^contacts$/i;
  const DRAWER = /^(?:[a-z]+-)?(?:drawer|offcanvas|off-canvas|slide-?over|slide-?out|side-?panel|side-?sheet|flyout|blade)(?:-(?:panel|body|inner))?$/;
  const BOLD = "strong, b, a, [class~=name], [class*=-name]";
  const OTHER = new RegExp(`\\b(?:${OTHER_THINGS})(?:e?s)?\\b`, "i");
  const THING = "(?:job|invoice|estimate|quote|quotation|contract|asset|appliance|appointment|opportunity|purchaseorder)s?";
  /** A word of an attribute, as one that programmers write. */
  const OTHER_WORD = new RegExp(`^(?:(?:new|add|create|edit)?${THING}(?:form|dialog|modal|details|editor|panel)?|search|filter|login|signin|import|new|add|create|merge)$`);
  const OTHER_CLASS = new RegExp(`^(?:new|add|create|edit)?[-_]?${THING}[-_]?(?:form|dialog|modal|details|editor|panel)?$`, "i");
  const RECORD_NAMES = /^(?:firstname|surname|lastname|name|fullname|company|companyname|customername|suppliername|customerdetailssurname|customerdetailscompanyname)$/;
  const OF_A_RECORD = new Set("edit editing update change amend the a of details detail general information info other account accounts accounting settings profile record number customer supplier and".split(" "));
  const RECORD_ID = /^(?:data-)?(?:customer|supplier|record|client|entity)[-_]?id$/i;
  const RECORD_QUERY = /[?&](customer|supplier)(?:[-_]?id)?=([0-9]+)(?:&|$)/i;
  /** What the button of a form says whose words are not kept on the record. */
  const DOES_ELSE = /^(?:(?:confirm)?delete(?:customer|supplier|record)?|send(?:email|sms)?|share|pay|takepayment|merge|import|upload)$/;
  const LEAVES = /^(?:cancel|close|back|clear|reset|x)$/;
  const RECORD_PATH = /\/(customers?|suppliers?)\/(?:[a-z_]+\/)?([0-9]+)(?:\/|$)/i;

  /** @typedef {import("./types.js").Subject} Subject */

  /** @param {Node | null} node @returns {node is Element} */
  const isElement = (node) => node?.nodeType === 1;

  /** @param {string} text */
  const wordsOf = (text) => text.normalize("NFKC").toLowerCase().split(/[^\p{L}\p{N}]+/u).filter(Boolean);

  /** A heading without the record's own name in it. @param {string} text @param {Subject} subject */
  function withoutName(text, subject) {
    const own = new Set([...subject.names.flatMap(wordsOf), subject.number]);
    return wordsOf(text).filter((word) => !own.has(word));
  }

  /** @param {Subject} subject */
  const otherKind = ({ kind }) => (kind === "customer" ? "supplier" : "customer");

  /** @param {string} text @param {Subject} subject */
  function namesOther(text, subject) {
    const words = withoutName(text, subject);
    const own = new Set([...subject.names.flatMap(wordsOf), subject.number]);
    const which = ONE_OF.exec(text)?.[1];
    if (which && !wordsOf(which).some((word) => own.has(word))) return true;
    return OTHER.test(words.join(" ")) || words.some((word) => word.startsWith(otherKind(subject)));
  }

  /** Whether a heading is another's name: words in capitals of which none is one of a section or of the record's own. @param {string} text @param {Subject} subject */
  function isNameOfOther(text, subject) {
    const words = text.split(/\s+/).filter(Boolean);
    return words.length > 1 && words.every((word) => /^\p{Lu}/u.test(word)) && !SECTION.test(text) && withoutName(text, subject).length === wordsOf(text).length;
  }

  /** Whether a heading is about invoices in general, in a form that holds the record's own name. @param {string} text @param {Element} element @param {Subject} subject */
  function isOnAccounts(text, element, subject) {
    const words = wordsOf(text).join(" ");
    if (!ACCOUNTS.test(words) || /^invoice$/.test(words)) return false;
    const form = element.closest("form, ng-form, [formgroup]");
    const own = new Set(subject.names.flatMap(wordsOf));
    return [...form?.querySelectorAll("input") ?? []].some((one) => one !== element && isNameField(one) && wordsOf(one.value).some((word) => own.has(word)));
  }

  /** What a part of the page is called for readers. @param {Element} element */
  function regionName(element) {
    const root = /** @type {Document} */ (element.getRootNode());
    const ids = (element.getAttribute("aria-labelledby") ?? "").split(/\s+/).filter(Boolean);
    return [element.getAttribute("aria-label") ?? "", ...ids.map((id) => root.getElementById?.(id)).map((one) => (one ? textOf(one) : ""))].join(" ").trim().slice(0, MAX_HEADING);
  }

  /** Whether a part of the page is beside its matter: a message, a menu, what was changed. @param {Element} element */
  function isAside(element) {
    if (element.matches(ASIDE)) return true;
    const names = [element.id, ...element.classList].map((name) => partsOf(name).join("-"));
    return names.some((name) => ASIDE_CLASS.test(name)) && !element.matches("html, body") && element.querySelector("h1, main") === null;
  }

  /** @param {string} word @param {Subject} subject */
  const isOtherPart = (word, subject) => OTHER_CLASS.test(word) || OTHER_PART.test(word) || new RegExp(`^${otherKind(subject)}s?$`, "i").test(word);

  /** Whether a control says that it is another thing's: job.reference. @param {Element} control @param {Subject} subject */
  function isOfOtherModel(control, subject) {
    return MODEL.map((name) => /^([A-Za-z_]+)[.[]/.exec(control.getAttribute(name) ?? "")?.[1] ?? "").some((word) => isOtherPart(word, subject));
  }

  /** Whether a part of the page says so: formgroupname="site", ng-repeat="one in customer.sites". @param {Element} element @param {Subject} subject */
  function isOtherPartOfModel(element, subject) {
    return PART_OF_MODEL.map((name) => element.getAttribute(name) ?? "").filter(Boolean)
      .map((value) => (/\bin\s+([\w.$]+)/.exec(value)?.[1] ?? value).split(".").at(-1) ?? "").some((word) => isOtherPart(word, subject));
  }

  /** Whether it slides in beside the page, and does not hold it. @param {Element} element */
  const isDrawer = (element) => [...element.classList].some((name) => DRAWER.test(name.toLowerCase())) && element.querySelector("h1, main") === null;

  /**
   * The heading that a node is under within `top`: the last one before it that is not part of something else.
   * @param {Element} top
   * @param {Node} branch the child of `top` that holds the node
   */
  function headingBefore(top, branch) {
    let heading = { text: "", main: false, bold: "", part: /** @type {Element | null} */ (null) };
    for (const child of childrenOf(top)) {
      if (child === branch) break;
      if (!isElement(child) || !isVisible(child)) continue;
      const text = headingIn(child);
      if (text) heading = { text, main: child.matches("h1") || child.querySelector("h1") !== null, bold: "", part: child };
      else if (tools.isControl(child) || child.querySelector("input:not([type=hidden]), select, textarea")) heading.bold = "";
      else if (child.matches(BOLD)) heading.bold = textOf(child).slice(0, MAX_HEADING);
    }
    return heading;
  }

  /** What a part of the page is under, without the record's own name. @param {Element} element @param {Subject} subject */
  function headingsOf(element, subject) {
    /** @type {string[]} */
    const found = [];
    let branch = /** @type {Node} */ (element);
    for (let at = parentOf(element); at; branch = at, at = parentOf(at)) {
      if (!isElement(at)) continue;
      const { text, main } = headingBefore(at, branch);
      found.push(main ? "" : text, at.matches(REGION) ? regionName(at) : "");
    }
    return found.filter(Boolean).map((text) => withoutName(text, subject).join(" "));
  }

  /**
   * Whether the names written beside a part of the page are another's.
   * @param {Element} element
   * @param {Subject} subject
   */
  function isBesideWrittenName(element, subject) {
    const own = new Set(subject.names.flatMap(wordsOf));
    for (let at = parentOf(element); isElement(at) && !at.matches("body, html, main") && at.querySelector("h1") === null; at = parentOf(at)) {
      const labels = [...at.querySelectorAll("dt, th, td, label, strong, b, span, div")].filter((one) => one.childElementCount === 0 && RECORD_NAMES.test(tools.labelKey(textOf(one))));
      const words = labels.flatMap((one) => wordsOf(one.nextElementSibling ? textOf(one.nextElementSibling) : ""));
      if (words.length > 0) return own.size > 0 && !words.some((word) => own.has(word));
    }
    return false;
  }

  /** Whether a link leads to another record. @param {Element} link @param {Subject} subject */
  function leadsToOther(link, subject) {
    const path = RECORD_PATH.exec(link.getAttribute("href") ?? "");
    return path !== null && (path[2] !== subject.number || !path[1]?.toLowerCase().startsWith(subject.kind));
  }

  /** @param {{text: string, main: boolean, bold: string, part?: Element | null}} heading @param {Element} element @param {Subject} subject */
  function headsOther({ text, main, bold, part }, element, subject) {
    if (part && !main && isEntryOfOther(part, subject)) return true;
    if (bold !== "" && !subject.sure && isNameOfOther(bold, subject)) return true;
    if (namesOther(text, subject)) return !isOnAccounts(text, element, subject);
    return !main && !subject.sure && isNameOfOther(text, subject);
  }

  /** @param {Element} element a heading, or a small part of a page that holds nothing else */
  function headingIn(element) {
    if (element.matches(HEADING)) return textOf(element).slice(0, MAX_HEADING);
    const inner = element.querySelector(HEADING);
    if (!inner || !element.matches(HEAD) || element.querySelector("input:not([type=hidden]), select, textarea, table, form, ul")) return "";
    return textOf(inner).slice(0, MAX_HEADING);
  }

  /** @param {Element} dialog */
  function titleOf(dialog) {
    const root = /** @type {Document} */ (dialog.getRootNode());
    const ids = (dialog.getAttribute("aria-labelledby") ?? "").split(/\s+/).filter(Boolean);
    const named = ids.map((id) => root.getElementById?.(id)).map((one) => (one ? textOf(one) : "")).join(" ").trim();
    const heading = [...dialog.querySelectorAll(HEADING)].find(isVisible);
    return named || (dialog.getAttribute("aria-label") ?? "") || (heading ? textOf(heading) : "");
  }

  /** A dialog is the record's only where its title says so and names nothing else, or it has none and holds the record's name. @param {Element} dialog @param {Subject} subject */
  function isOtherDialog(dialog, subject) {
    const title = titleOf(dialog);
    if (doesElse([...dialog.querySelectorAll("button, input[type=submit]")])) return true;
    if (title === "") return !holdsName([...dialog.querySelectorAll("input")], subject);
    return withoutName(title, subject).some((word) => !OF_A_RECORD.has(word) || word === otherKind(subject));
  }

  /** @param {string} value as programmers write it: newJob, new_job, /jobs/new @returns {string[]} */
  const partsOf = (value) => value.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase().split(/[^a-z]+/).filter(Boolean);

  /** @param {Element} element */
  const hasOtherClass = (element) => [element.id, ...element.classList].some((name) => OTHER_CLASS.test(name));

  /** @param {HTMLInputElement[]} fields @param {Subject} subject whether they hold one of its names */
  function holdsName(fields, subject) {
    const held = new Set(fields.filter((one) => one.type !== "hidden").flatMap((one) => wordsOf(one.value)));
    return subject.names.map(wordsOf).some((words) => words.length > 0 && words.every((word) => held.has(word)));
  }

  /**
   * Whether the fields for a name beside it hold another's.
   * @param {Element} control
   * @param {Subject} subject
   */
  function isBesideOtherName(control, subject) {
    const own = new Set(subject.names.flatMap(wordsOf));
    for (let at = parentOf(control); isElement(at) && !at.matches("body, html, main") && at.querySelector("h1") === null; at = parentOf(at)) {
      const fields = [...at.querySelectorAll("input")].filter((one) => one !== control && isNameField(one) && isVisible(one));
      const words = fields.flatMap((one) => wordsOf(one.value));
      if (words.length > 0) return own.size > 0 && !words.some((word) => own.has(word));
    }
    return false;
  }

  /** @param {HTMLInputElement} field */
  function isNameField(field) {
    const names = [field.id, field.name, field.getAttribute("formcontrolname") ?? "", ...tools.nameOf(field).texts];
    return names.some((name) => RECORD_NAMES.test(tools.labelKey(name)));
  }

  /** @param {Element} form @param {Subject} subject */
  function isOtherForm(form, subject) {
    const values = NAMES.map((name) => form.getAttribute(name) ?? "");
    if (values.flatMap(partsOf).some((word) => OTHER_WORD.test(word))) return true;
    const words = values.join(" ").toLowerCase();
    if (words.includes(otherKind(subject)) && !words.includes(subject.kind)) return true;
    return namesOther(form.getAttribute("aria-label") ?? "", subject);
  }

  /** @param {Element} element @param {Subject} subject */
  function isOfOtherRecord(element, subject) {
    for (const { name, value } of element.attributes) {
      if (RECORD_ID.test(name) && /^[0-9]+$/.test(value) && value !== subject.number) return true;
      const path = name === "action" || name === "data-url" ? RECORD_PATH.exec(value) : null;
      if (path && (path[2] !== subject.number || !path[1]?.toLowerCase().startsWith(subject.kind))) return true;
      const query = name === "action" || name === "data-url" ? RECORD_QUERY.exec(value) : null;
      if (query && query[1]?.toLowerCase() === subject.kind && query[2] !== subject.number) return true;
    }
    return element.matches("form") && sendsOther(element, subject);
  }

  /** Whether a form sends the number of another record of the kind, or does something else than keep what is typed. @param {Element} form @param {Subject} subject */
  function sendsOther(form, subject) {
    const sent = [.../** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll("input[type=hidden]"))].filter((one) => new RegExp(`^${subject.kind}[-_]?id$`, "i").test(one.name) && /^[0-9]+$/.test(one.value));
    return (sent.length > 0 && sent.every((one) => one.value !== subject.number)) || doesElse([...form.querySelectorAll("button:not([type=button]), input[type=submit]")]);
  }

  /** @param {Element[]} buttons */
  function doesElse(buttons) {
    const says = buttons.filter(isVisible).map((one) => tools.labelKey(one.textContent || /** @type {HTMLInputElement} */ (one).value)).filter((words) => words !== "" && !LEAVES.test(words));
    return says.length > 0 && says.every((words) => DOES_ELSE.test(words));
  }

  /** Whether a part of a list is another record's, as it leads there and not here. @param {Element} part @param {Subject} subject */
  function isEntryOfOther(part, subject) {
    const links = [...part.querySelectorAll("a[href]")].filter((one) => RECORD_PATH.test(one.getAttribute("href") ?? ""));
    return links.length > 0 && links.every((one) => leadsToOther(one, subject));
  }

  /**
   * @param {Element} element
   * @param {Subject} subject
   * @param {{byHeading?: boolean}} [signs] byHeading: false where a person showed the field, whatever it is under
   */
  function isForeign(element, subject, { byHeading = true } = {}) {
    if (tools.isControl(element) && (isBesideOtherName(element, subject) || isOfOtherModel(element, subject))) return true;
    if (isAside(element)) return true;
    let branch = /** @type {Node} */ (element);
    for (let at = parentOf(element); at; branch = at, at = parentOf(at)) {
      if (!isElement(at)) continue;
      if (isOfOtherRecord(at, subject) || (hasOtherClass(at) && at !== at.ownerDocument.body)) return true;
      if (isOtherPartOfModel(at, subject) || (at.matches("li, article") && isEntryOfOther(at, subject))) return true;
      if ((at.matches(DIALOG) || isDrawer(at)) && isOtherDialog(at, subject)) return true;
      if (at.matches(FORM) && isOtherForm(at, subject)) return true;
      if (isAside(at)) return true;
      if (byHeading && at.matches(REGION) && headsOther({ text: regionName(at), main: true, bold: "" }, element, subject)) return true;
      if (byHeading && headsOther(headingBefore(at, branch), element, subject)) return true;
    }
    return false;
  }

  /**
   * Whether the page shows one of the names that the record is known by: a page that goes on to another record may
   * have its address before its content. What it is headed counts more than a name anywhere in it.
   * @param {Document} document
   * @param {string[]} names
   */
  function showsSubject(document, names) {
    const heads = tools.rootsOf(document).flatMap((root) => [...root.querySelectorAll("h1")]).filter((one) => isVisible(one) && one.closest("nav, header:has(nav), [role=banner]") === null).map((one) => textOf(one));
    /** @type {Subject} */
    const subject = { kind: "customer", number: "", names };
    const isOwn = (/** @type {string} */ text) => withoutName(text, subject).length < wordsOf(text).length;
    if (heads.some((text) => isNameOfOther(text, subject)) && !heads.some(isOwn)) return false;
    const typed = tools.rootsOf(document).flatMap((root) => [...root.querySelectorAll("input")]).filter((one) => one.type !== "hidden").flatMap((one) => wordsOf(one.value));
    const text = ` ${wordsOf(document.body ? textOf(document.body, (one) => one.matches("nav, [role=navigation]")) : "").join(" ")} `;
    const inFields = new Set(typed);
    return names.map(wordsOf).some((words) => words.length > 0 && (text.includes(` ${words.join(" ")} `) || words.every((word) => inFields.has(word))));
  }

  Object.assign(tools, { headingsOf, isBesideWrittenName, isForeign, leadsToOther, showsSubject });
})();
