// The shapes that travel between the pages, the background and the server.

/** @typedef {"customer" | "supplier"} Kind */

/**
 * What `locate` says about an address.
 * @typedef {object} Location
 * @property {string} url
 * @property {string | null} package
 * @property {"contact" | "list" | "record" | null} page
 * @property {Kind | null} kind
 * @property {string | null} reference
 * @property {string | null} organisation
 * @property {string | null} record the id of the Commusoft record that the page shows
 */

/**
 * One contact of an accounting package, as its address tells it.
 * @typedef {object} Contact
 * @property {string} package
 * @property {string} package_name
 * @property {Kind | null} kind null where the address does not tell
 * @property {string} reference
 * @property {string | null} organisation
 * @property {string[]} cautions sentences for the clerk
 */

/**
 * What was read from the page; every text may be empty.
 * @typedef {object} Details
 * @property {string} name
 * @property {string} company
 * @property {string} person
 * @property {string} email
 * @property {string[]} phones
 * @property {string} address
 * @property {string} town
 * @property {string} postcode
 * @property {string[]} [other_emails] beside the first
 * @property {{address: string, town: string, postcode: string}[]} [other_addresses] beside the first
 * @property {boolean} [retired] the package marks the contact as no longer in use
 */

/**
 * What a search found: records of the kind that was asked for, and of the other kind where there are none.
 * @typedef {{records: CrmRecord[], others: CrmRecord[]}} Found
 */

/**
 * A contact as it was read, kept by the background until it is confirmed.
 * @typedef {object} ContactSnapshot
 * @property {string} id
 * @property {string | null} connection_id the Commusoft whose records are offered for it; null where the server does
 *   not tell
 * @property {"tab" | "address" | "hand" | "record"} source
 * @property {number | null} tab
 * @property {string} [address] that was pasted
 * @property {Contact} contact
 * @property {Details} details
 * @property {{tab: number, record: string}} [at] the record's page that it was chosen on
 */

/**
 * A Commusoft record as the server shows it.
 * @typedef {object} CrmRecord
 * @property {string} id
 * @property {Kind} kind
 * @property {string} label
 * @property {string} name
 * @property {string} company
 * @property {string} email
 * @property {string[]} phones
 * @property {string} address
 * @property {string} town
 * @property {string} postcode
 * @property {string} account_number
 * @property {string | null} reference
 * @property {string} page_url
 */

/** @typedef {{code: string, text: string, agrees: boolean | null}} Reason  null for a note about the other records */

/** @typedef {{record: CrmRecord, probability: number, sure: boolean, reasons: Reason[]}} Suggestion */

/**
 * @typedef {object} Link
 * @property {string} id
 * @property {"intended" | "linked" | "failed" | "conflict" | "undone"} state
 * @property {Kind} kind the record's
 * @property {Kind} [contact_kind]
 * @property {string} package
 * @property {string | null} organisation
 * @property {string | null} reference what is to be on the record
 * @property {string} [contact_reference]
 * @property {string} contact_name
 * @property {CrmRecord} record
 * @property {number} [record_version] what the server knows of the record, for what its page shows; an earlier version does not tell
 * @property {string | null} prior_reference
 * @property {Difference[]} [differences] those that the person saw and linked over
 * @property {string} created_at
 * @property {string | null} settled_at
 * @property {string} by
 * @property {{type: string, detail: string} | null} failure
 * @property {string | null} undoes
 * @property {string | null} undone_by
 * @property {boolean} can_undo
 * @property {"api" | "pages"} [method] pages: a person saves it on Commusoft's own page
 */

/**
 * A contact of a list that crmlink keeps.
 * @typedef {Partial<Omit<Details, "name">> & {package: string, package_name: string, organisation: string | null, kind: Kind | null,
 *   reference: string, label: string, name: string}} KnownContact
 */

/**
 * A contact that a record may be of.
 * @typedef {{contact: KnownContact, probability: number, sure: boolean, reasons: Reason[], list: {id: string, name: string},
 *   holder: CrmRecord | null, chosen: CrmRecord | null}} ContactSuggestion
 */

/** @typedef {{connection_id?: string, known: number, suggestions: ContactSuggestion[]}} RecordContacts */

/**
 * A field in which contact and record differ.
 * @typedef {{field: "name" | "address" | "email", contact: string, record: string}} Difference
 */

/**
 * What the person saw and agreed to on top of a choice, see linking/overrides.js.
 * @typedef {object} SentOverrides
 * @property {string | null} replaces the other reference that is on the record
 * @property {string[]} also_on ids of the records that have the contact's reference
 * @property {boolean} checked_empty they looked in Commusoft where its API does not show the field
 * @property {boolean} accepts_kind the record is a customer and the contact a supplier, or the reverse
 */

/**
 * The server's answer about a contact.
 * @typedef {object} SuggestionAnswer
 * @property {string} [connection_id] which Commusoft its records are of
 * @property {Kind | null} likely_kind
 * @property {Suggestion[]} suggestions
 * @property {number} none
 * @property {CrmRecord[]} holders
 * @property {Link[]} [holder_links] what put the reference on the holders, where crmlink did
 * @property {Link | null} link the contact's newest
 * @property {Parked | null} [parked] the contact's entry among those without a record
 */

/**
 * A contact for which Commusoft has no record yet, as far as the popup shows it.
 * @typedef {{id: string, by: string, created_at: string}} Parked
 */

/**
 * A list of contacts that waits on the server for its review. A file's may not know its package or
 * organisation yet.
 * @typedef {object} Draft
 * @property {string} id
 * @property {string} [name] what a person called it, or its file
 * @property {string} [source] where it came from first: list_page, file, api, command_line
 * @property {string} package
 * @property {string | null} organisation
 * @property {Kind | null} kind
 * @property {number} contacts how many
 * @property {string} created_at
 * @property {string} by
 */

/**
 * @typedef {{name: string, role: string}} Person  clerk, manager or admin
 */

/** @typedef {{kind: Kind, source: string, read_at: string}} Imported how the records of a kind came, without an API */

/**
 * @typedef {object} Workspace
 * @property {string} name
 * @property {string} [connection_id] which Commusoft it works with; an earlier version does not tell
 * @property {Person | null} person
 * @property {{name: string, scopes: string[]}} device
 * @property {{sandbox: boolean, web_url: string}} commusoft
 * @property {{customers: number, suppliers: number, synced_at: string | null, syncing: boolean, imports?: Imported[]}} mirror
 * @property {"api" | "pages" | "api-then-pages"} [writes]
 * @property {string} [commusoft_origin] of its web application
 * @property {string[]} [commusoft_hosts] every host of its pages
 * @property {{kind: Kind, host: string, selector: string, label: string}[]} [record_fields] that an admin showed
 */

/**
 * Anything that did not work. `type` is the name at the end of the server's problem type, or one of ours
 * (`offline`, `server-unreachable`, `server-slow`, `server-odd`, `tab-moved`, ...).
 * @typedef {object} Problem
 * @property {string} type
 * @property {number | null} status
 * @property {string | null} error the short name that OAuth gives it
 * @property {string} detail a sentence for the clerk, or "" when the page has its own words for this type
 * @property {string | null} request_id
 * @property {number | null} retry_after seconds
 * @property {CrmRecord | null} record
 * @property {string | null} current_reference
 * @property {boolean} asked_commusoft whether `current_reference` was read in Commusoft just now
 * @property {CrmRecord[]} holders
 * @property {Link | null} link
 * @property {string | null} by
 * @property {string | null} since
 */

/**
 * @template T
 * @typedef {{ok: true, data: T} | {ok: false, problem: Problem}} Answer
 */

export {};
