// @ts-check
// What a record's page shows as its reference, in shapes that pages have. Written from the facts, not from the code.

const V = "8275f116-6419-4b82-889a-f41dcc1d6186";
/** @param {string} inner */
const view = (inner) => `<h1>Margaret Holloway</h1><section><h3>Other details</h3>${inner}</section>`;
/** @param {string} value */
const dl = (value) => view(`<dl><dt>Account number</dt><dd>A7</dd><dt>Third-Party Reference</dt><dd>${value}</dd><dt>VAT</dt><dd>1</dd></dl>`);

/** A value that must be read whole: its whole text. @type {Record<string, string>} */
export const SHOWN = {
  "dd": dl(V),
  "dd with white space": dl(`\n   ${V}\n   `),
  "dd with span": dl(`<span class=value><span>${V}</span></span>`),
  "dd with a copy button": dl(`${V} <button aria-label=Copy>⧉</button>`),
  "dd with a copy link": dl(`${V} <a href='#' class=copy role=button>Copy</a>`),
  "dd with a copy icon": dl(`${V} <i class='fa fa-copy' title='Copy'></i>`),
  "dd with a ligature": dl(`${V} <span class=material-icons>content_copy</span>`),
  "dd with code": dl(`<code>${V}</code>`),
  "dd with a link": dl(`<a href='https://go.xero.com/x'>${V}</a>`),
  "dd cut by style with a title": dl(`<span style='text-overflow:ellipsis;overflow:hidden' title='${V}'>${V}</span>`),
  "dd with a hidden tooltip": dl(`${V}<span style='display:none'>Copied!</span>`),
  "table": view(`<table><tr><td>Third-Party Reference</td><td>${V}</td></tr></table>`),
  "table of two pairs": view(`<table><tr><td>Account number</td><td>A7</td><td>Third-Party Reference</td><td>${V}</td></tr></table>`),
  "table with th": view(`<table><tr><th>Third-Party Reference:</th><td>${V}</td></tr></table>`),
  "label and span": view(`<div class=field><label>Third-Party Reference</label><span>${V}</span></div>`),
  "label and p.form-control-static": view(`<div class=form-group><label class=col-sm-4>Third-Party Reference</label><div class=col-sm-8><p class=form-control-static>${V}</p></div></div>`),
  "div and div": view(`<div class=row><div class=col-4>Account number</div><div class=col-8>A7</div></div><div class=row><div class=col-4>Third-Party Reference</div><div class=col-8>${V}</div></div>`),
  "same class for both": view(`<div class=row><div class=col>Third-Party Reference</div><div class=col>${V}</div></div>`),
  "flat divs": view(`<div class=grid><div class=k>Account number</div><div class=v>A7</div><div class=k>Third-Party Reference</div><div class=v>${V}</div></div>`),
  "strong": view(`<p><strong>Third-Party Reference:</strong> ${V}</p>`),
  "strong and br": view(`<p><strong>Account number:</strong> A7<br><strong>Third-Party Reference:</strong> ${V}<br><strong>VAT:</strong> 1</p>`),
  "one text": view(`<li>Third-Party Reference: ${V}</li>`),
  "label with a help icon": view(`<dl><dt>Third-Party Reference <i class='fa fa-question-circle'></i></dt><dd>${V}</dd></dl>`),
  "label with a help button": view(`<dl><dt>Third-Party Reference <button aria-label=Help>?</button></dt><dd>${V}</dd></dl>`),
  "label with a tooltip in it": view(`<dl><dt>Third-Party Reference <span role=tooltip>The id in Xero</span></dt><dd>${V}</dd></dl>`),
  "non-breaking hyphen in the label": view(`<dl><dt>Third\u2011party\u00a0reference</dt><dd>${V}</dd></dl>`),
  "label with a colon of its own": view(`<div><span>Third-Party Reference</span><span>:</span> <span>${V}</span></div>`),
  "aria-labelledby": view(`<div id=tl>Third-Party Reference</div><div aria-labelledby=tl>${V}</div>`),
  "read-only input": view(`<label for=r>Third-Party Reference</label><input id=r readonly value='${V}'>`),
  "disabled input in a table": view(`<table><tr><td>Third-Party Reference</td><td><input disabled value='${V}'></td></tr></table>`),
  "output": view(`<label for=o>Third-Party Reference</label><output id=o>${V}</output>`),
  "twice the same": `<header><h1>Margaret Holloway</h1><span>Third-Party Reference: ${V}</span></header>${dl(V)}`,
  "a site's beside it": `${dl(V)}<section><h3>Site: 12 Mill Lane</h3><dl><dt>Third-Party Reference</dt><dd>SITE-9</dd></dl></section>`,
  "a job's beside it": `${dl(V)}<section><h3>Job 55</h3><dl><dt>Third-Party Reference</dt><dd>JOB-9</dd></dl></section>`,
  "jobs listed below": `${dl(V)}<h3>Jobs</h3><table><thead><tr><th>Job</th><th>Third-Party Reference</th></tr></thead><tbody><tr><td>1</td><td>JOB-9</td></tr></tbody></table>`,
  "a hidden form with another": `${dl(V)}<form style='display:none'><label for=h>Third-Party Reference</label><input id=h value=OLD></form>`,
  "an edit pencil": dl(`${V} <a href='#' aria-label=Edit><svg></svg></a>`),
  "an edit link": dl(`${V} <a href='#'>Edit</a>`),
  "label above": view(`<div class=tile><div class=caption>Third-Party Reference</div><div class=val>${V}</div></div>`),
  "h4 as label": view(`<div><h4>Third-Party Reference</h4><p>${V}</p></div>`),
  "beside the record's own name": `<h1>Margaret Holloway</h1><dl><dt>Name</dt><dd>Margaret Holloway</dd><dt>Third-Party Reference</dt><dd>${V}</dd></dl>`,
  "a table with headings of its columns": view(`<table><thead><tr><th>Field</th><th>Value</th></tr></thead><tbody><tr><td>Third-Party Reference</td><td>${V}</td></tr></tbody></table>`),
  "a note that mentions another": `${dl(V)}<h3>Notes</h3><p>Third-Party Reference: OLD-1</p>`,
};

/** Shown as empty. @type {Record<string, string>} */
export const EMPTY = {
  "nothing": dl(""), "nbsp": dl("&nbsp;"), "em dash": dl("—"), "hyphen": dl("-"), "two hyphens": dl("--"), "dash in span": dl("<span class=muted>–</span>"),
  "an Add button": dl("<button>Add</button>"),
  "table": view("<table><tr><td>Third-Party Reference</td><td></td></tr></table>"),
  "empty span": view("<div class=field><label>Third-Party Reference</label><span></span></div>"),
};

/** Not to be read as a value, nor as no value. @type {Record<string, string>} */
export const UNSURE = {
  "Not set": dl("Not set"), "Not set in em": dl("<em>Not set</em>"), "None": dl("None"), "N/A": dl("N/A"), "Not provided": dl("Not provided"), "(none)": dl("(none)"), "Add": dl("<a href='#'>Add</a>"), "+ Add": dl("<a href='#'>+ Add</a>"),
  "in parts": dl(`<span>8275f116</span>-<span>6419-4b82-889a-f41dcc1d6186</span>`),
  "loading": dl("Loading…"), "loading dots": dl("Loading..."), "cut off in the text": dl(`<span title='${V}'>8275f116-64…</span>`), "cut with three dots": dl("8275f116..."),
  "saving": dl(`${V} <em>Saving…</em>`), "not saved": dl(`${V} <span class=error>could not be saved</span>`), "two values": dl(`<span>${V}</span> <span>OLD-1</span>`),
  "old struck out": dl(`<del>OLD-1</del> ${V}`), "a spinner": dl("<span class=spinner role=status aria-label=Loading></span>"), "a skeleton": dl("<span class='skeleton' aria-busy=true></span>"), "dd that is busy": view("<dl aria-busy=true><dt>Third-Party Reference</dt><dd></dd></dl>"),
  "pending": dl(`${V} <span class=badge>Pending</span>`), "unsaved": dl(`${V} (unsaved)`), "masked": dl("••••••1d6186"), "a placeholder of a template": dl("{{customer.thirdParty}}"), "undefined": dl("undefined"), "null": dl("null"), "[object Object]": dl("[object Object]"),
  "two of them, two values": `${dl(V)}${dl("OTHER")}`,
  "struck out": dl(`<del>${V}</del>`), "struck out by style": dl(`<span style="text-decoration:line-through">${V}</span>`), "an example": dl(`e.g. ${V}`), "what only looks like a value": dl(`<span class=placeholder>${V}</span>`),
  "a link to another record": dl(`<a href="/customers/customer/2002/view/property/view">${V}</a>`),
};

/** Someone else's, or no value at all: never taken for the record's. @type {Record<string, string>} */
export const OTHERS = {
  "a site's": "<h1>Margaret Holloway</h1><section><h3>Site: 12 Mill Lane</h3><dl><dt>Third-Party Reference</dt><dd>X</dd></dl></section>",
  "a job's": "<h1>Margaret Holloway</h1><section><h3>Job 55</h3><dl><dt>Third-Party Reference</dt><dd>X</dd></dl></section>",
  "a contact's": "<h1>Margaret Holloway</h1><section><h3>Contact: Jim Broad</h3><dl><dt>Third-Party Reference</dt><dd>X</dd></dl></section>",
  "a dialog of another": "<h1>Margaret Holloway</h1><div role=dialog aria-label='Jim Broad'><dl><dt>Third-Party Reference</dt><dd>X</dd></dl></div>",
  "a tooltip": `<h1>Margaret Holloway</h1><div role=tooltip>Third-Party Reference: X</div>`,
  "a chat": `<h1>Margaret Holloway</h1><div class=chat-widget><div>Third-Party Reference: X</div></div>`,
  "a notice that it was changed": `<h1>Margaret Holloway</h1><div role=status>Third-Party Reference: X</div>`,
  "a toast": `<h1>Margaret Holloway</h1><div class=toast>Third-Party Reference: X</div>`,
  "a history of changes": `<h1>Margaret Holloway</h1><h3>History</h3><ul><li>Third-Party Reference: X</li></ul>`,
  "an audit table": `<h1>Margaret Holloway</h1><h3>Changes</h3><table><tr><td>Third-Party Reference</td><td>X</td></tr></table>`,
  "a change log": `<h1>Margaret Holloway</h1><h3>Activity</h3><div><div>Third-Party Reference</div><div>X</div></div>`,
  "another's name in the same list": `<h1>Margaret Holloway</h1><dl><dt>Name</dt><dd>Jonathan Pryce-Davies</dd><dt>Third-Party Reference</dt><dd>X</dd></dl>`,
  "a notice of a duplicate": `<h1>Margaret Holloway</h1><div class=alert>This customer may be there twice.${dl("X").replace(/<h1>.*?<\/h1>/, "")}</div>`,
  "a table of two records": "<h1>Margaret Holloway</h1><table><tr><th></th><th>This customer</th><th>Jim Broad</th></tr><tr><th>Third-Party Reference</th><td>X</td><td>OTHER</td></tr></table>",
  "a table of old and new values": "<h1>Margaret Holloway</h1><table><tr><th>Field</th><th>Old value</th><th>New value</th></tr><tr><td>Third-Party Reference</td><td>X</td><td>Y</td></tr></table>",
  "a note that mentions it": "<h1>Margaret Holloway</h1><div class=note>Third-Party Reference: X</div>",
  "notes under their heading": "<h1>Margaret Holloway</h1><h3>Notes</h3><p>Third-Party Reference: X</p>",
  "notes beside their label": "<h1>Margaret Holloway</h1><label>Description</label><p>Third-Party Reference: X</p>",
  "notes in a list of labels": "<h1>Margaret Holloway</h1><dl><dt>Remarks</dt><dd>Third-Party Reference: X</dd></dl>",
  "notes in a table": "<h1>Margaret Holloway</h1><table><tr><td>Remarks</td><td>Third-Party Reference: X</td></tr></table>",
  "a log": "<h1>Margaret Holloway</h1><pre>Third-Party Reference: X</pre>",
  "an email": "<h1>Margaret Holloway</h1><div class=email-preview>Third-Party Reference: X</div>",
  ...Object.fromEntries(["Pending changes", "Draft", "Preview", "Possible duplicates"].map((words) => [`a part called ${words}`, `<h1>Margaret Holloway</h1><h3>${words}</h3><dl><dt>Third-Party Reference</dt><dd>X</dd></dl>`])),
  "what is kept unsaved": "<h1>Margaret Holloway</h1><div class=unsaved-changes><dl><dt>Third-Party Reference</dt><dd>X</dd></dl></div>",
  "what readers are not told": "<h1>Margaret Holloway</h1><div aria-hidden=true><dl><dt>Third-Party Reference</dt><dd>X</dd></dl></div>",
  "another of the same name, in an entry that leads there": `<h1>Margaret Holloway</h1><ul><li><a href='/customers/customer/2002/view/property/view'>Margaret Holloway</a><dl><dt>Third-Party Reference</dt><dd>X</dd></dl></li></ul>`,
  "another of the same name, under a heading that leads there": `<h1>Margaret Holloway</h1><section><h2><a href='/customers/customer/2002/view/property/view'>Margaret Holloway</a></h2><dl><dt>Third-Party Reference</dt><dd>X</dd></dl></section>`,
  "recently viewed": `<h1>Margaret Holloway</h1><h3>Recently viewed</h3><dl><dt>Third-Party Reference</dt><dd>X</dd></dl>`,
};
export { V };
