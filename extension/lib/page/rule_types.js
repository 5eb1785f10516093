// The shape of the rule file `server/crmlink/accounting/packages.json`, for the modules that run it.

/** @typedef {"customer" | "supplier"} Kind */

/**
 * @typedef {object} ReferenceRule
 * @property {"guid" | "upper" | "trimmed" | "exact"} canonical
 * @property {string} [pattern] matched whole
 * @property {string} [in_lists] another, for what a person says; never for an address
 * @property {number} max characters
 * @property {string[]} [never]
 * @property {string} expected the form in words
 */

/**
 * @typedef {object} PageRule
 * @property {"contact" | "list" | "redirect" | "record"} page
 * @property {Kind} [kind]
 * @property {string} [path]
 * @property {Record<string, string>} [query] a parameter's name → the slot it fills
 * @property {string} [fragment]
 * @property {string} [below]
 * @property {string[]} [never_words]
 * @property {string[]} [ignore_case]
 * @property {string} [certainty]
 * @property {string} [caution]
 */

/**
 * What is known of a package's pages, to read them; it may be wrong without harm.
 * @typedef {object} Hints
 * @property {string[]} [name] CSS selectors; the same for the other fields
 * @property {string[]} [company]
 * @property {string[]} [person]
 * @property {string[]} [email]
 * @property {string[]} [phone]
 * @property {string[]} [address]
 * @property {Record<string, string>} [icons] an icon's <title> → the field that is beside it
 * @property {string[]} [titles] what the page's title calls the package
 */

/**
 * @typedef {object} PackageRules
 * @property {string} name
 * @property {string} certainty
 * @property {string} where
 * @property {ReferenceRule} reference
 * @property {{pattern: string, never?: string[]}} [organisation]
 * @property {string[]} [hosts]
 * @property {string} [scheme]
 * @property {PageRule[]} [pages]
 * @property {{unless_reference?: string, say: string}[]} [cautions]
 * @property {{label: string, explain: string, reference_is_name?: boolean}} [by_hand]
 * @property {Hints} [hints]
 */

/** @typedef {{reference: string[], number?: string[], name: string[], address: string[]}} TableColumns */

/**
 * Where records have their pages.
 * @typedef {object} CrmRules
 * @property {string} name
 * @property {{pattern: string}} record the form of a record's id
 * @property {string[]} [reference_labels] how the reference's field is labelled on a record's page
 * @property {string[]} [reference_sections] headings under which that field is
 * @property {Record<string, string[]>} [detail_labels] how a record's details are labelled in its form
 * @property {string[]} [edit_words] what begins editing a record's page
 * @property {string[]} [save_words] what saves it: the person's to press
 * @property {{titles: string[], save_words: string[], columns: TableColumns}} [table]
 * @property {string[]} hosts
 * @property {string} [scheme] "http" for the sandbox, else https
 * @property {PageRule[]} pages
 */

/** @typedef {{version: number, packages: Record<string, PackageRules>, crms?: Record<string, CrmRules>, any_table?: Record<string, string[]>}} Packages */

export {};
