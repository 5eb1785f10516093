// The shapes that the scripts for the table *Link Customers and Suppliers* share. They run in the page, where there
// are no imports: classic files that find each other in one object of the extension's own world.

/** @typedef {"customer" | "supplier"} Kind */

/**
 * Words of Commusoft's pages, from the server's rules.
 * @typedef {object} TableWords
 * @property {string[]} reference headings of the column that holds the reference
 * @property {string[]} id headings of the column that holds the record's number
 * @property {string[]} name
 * @property {string[]} address headings; an address may take several columns
 * @property {string[]} save what is on the button that saves the table
 */

/**
 * What is needed to read the table.
 * @typedef {object} TableRules
 * @property {TableWords} words
 * @property {{kind: Kind, path: string}[]} links patterns of the paths of record pages; the first group is the number
 */

/**
 * A row of the reviewed list.
 * @typedef {object} Wanted
 * @property {string} id the list row's
 * @property {Kind} kind
 * @property {string} number of the record, as Commusoft's addresses have it; "" where it is not known
 * @property {string[]} names what it may be called, first as it is listed
 * @property {string} address its lines
 * @property {string} town
 * @property {string} postcode
 * @property {boolean} alone whether no other record of the kind has this name and address
 * @property {string} prior what is on the record as far as crmlink knows, or ""
 * @property {string} target
 */

/**
 * The table as it was found on the page.
 * @typedef {object} FoundTable
 * @property {Element} element the table, or the element with the role of one
 * @property {{reference: number, name: number | null, id: number | null, address: number[], width: number, own: boolean, places: string[]}} columns
 *   width: how many there are, own: the column of numbers says that they are a customer's or supplier's, places: as the headings say
 * @property {Kind | null} kind of its records; null where the page does not tell
 * @property {boolean} saves whether the page has the button that saves such a table: plain cells can be edited then
 * @property {boolean} sure whether the table itself tells the kind
 * @property {{block: Element, left: number}[]} sideways how far it was scrolled sideways when its columns were read
 */

/** @typedef {{table: FoundTable | null, count: number}} Search count: how many tables fit */

/**
 * A row as it is shown now.
 * @typedef {object} ShownRow
 * @property {Element} element
 * @property {Element} cell the reference's
 * @property {string[]} numbers each number of a record that the row names
 * @property {string[]} weak numbers that may be a record's
 * @property {Kind | null} kind of its record, where the row itself tells it
 * @property {boolean} counted whether its number may be no more than that of the row
 * @property {string} name
 * @property {string} address
 * @property {string} value
 * @property {boolean} editable
 * @property {boolean} loaded whether the value is what the page came with
 * @property {string} key the same as long as the row reads the same, whatever its reference is
 */

/** @typedef {() => ShownRow | null} Find the row as it is now; null where it is not surely there */

/** @typedef {{wanted: Wanted | null, doubt: boolean}} Identified doubt: the row may be the record's, and may not */

/**
 * The state of a row of the list in the table.
 * @typedef {"ready" | "right" | "not_found" | "ambiguous" | "different" | "locked"} PlacedState
 * @typedef {{state: PlacedState, value: string | null, loaded: boolean, at: number | null, element: Element | null}} Placed
 */

/**
 * Every row of the table, read once.
 * @typedef {object} Reading
 * @property {Map<string, Placed>} placed by the list row's id
 * @property {Map<string, string[]>} values by a row's key; several where rows read the same
 * @property {Map<string, number>} places by a row's key: where it is in what is scrolled
 * @property {number} count rows of the table
 * @property {boolean} virtual whether the page holds only the rows in sight
 */

/** @typedef {"filled" | "not_taken" | "gone" | "different" | "ambiguous"} Outcome what became of a row */

/**
 * @typedef {object} Control
 * @property {() => boolean} stopped
 * @property {(done: number, all: number) => void} progress
 */

/**
 * @typedef {object} Scroller
 * @property {() => number} top
 * @property {number} height of what is in sight
 * @property {() => number} full
 * @property {(top: number) => void} to
 * @property {(element: Element) => number} at where an element is in what is scrolled
 */

/**
 * @typedef {object} CrmlinkTable
 * @property {(text: string) => string} fold
 * @property {(text: string) => string} flat
 * @property {() => Document[]} documents
 * @property {() => (Document | ShadowRoot)[]} roots
 * @property {(element: Element) => boolean} seen
 * @property {(row: Element) => Element[]} parts of a row, more than one where a grid draws it in several
 * @property {(row: Element) => Element[]} cells
 * @property {(row: Element, columns: {width: number, places: string[]}) => Element[] | null} cellsUnder as many as there are headings; null where it is not clear
 *   which cell is under which
 * @property {(cell: Element) => string} text
 * @property {(cell: Element) => HTMLInputElement | HTMLTextAreaElement | null} field
 * @property {(table: Element) => Element[]} rowElements
 * @property {(table: Element) => Element[][]} headings
 * @property {(element: Element) => boolean} isGrid
 * @property {(words: string[]) => Element[]} buttons that can be seen and say one of these words
 * @property {(rules: TableRules) => Search} find
 * @property {(element: Element, rules: TableRules) => FoundTable["columns"] | null} columns by the headings as they are now
 * @property {(found: FoundTable, rules: TableRules) => Promise<FoundTable | null>} withReferences the table with its references in
 *   sight; null where what a row is known by is not in sight together with them
 * @property {(found: FoundTable, rules: TableRules) => boolean} columnsStay whether the columns are where they were
 * @property {(row: Element, found: FoundTable, rules: TableRules) => ShownRow | null} read
 * @property {(row: ShownRow, wanted: Lookup) => Identified} identify
 * @property {(wanted: Wanted[], kind: Kind | null, sure: boolean, rules: TableRules) => Lookup} lookup
 * @property {(element: Element) => Scroller | null} scroller
 * @property {(milliseconds?: number) => Promise<void>} settle
 * @property {(found: FoundTable, rules: TableRules, lookup: Lookup, control: Control) => Promise<Reading | null>} readAll
 *   null when the table did not stay still
 * @property {(find: Find, value: string, how?: {enter?: boolean}) => Promise<boolean>} write enter: the page did not take it without
 * @property {(element: Element) => void} release
 * @property {(work: Work) => Promise<Map<string, Outcome>>} fill
 * @property {(tag: string, attributes?: Record<string, string | boolean>, ...children: (Node | string | null | false | (Node | string | null | false)[])[]) => HTMLElement} make
 * @property {(words: string, act: () => void, how?: {first?: boolean}) => HTMLElement} button
 * @property {(onEscape: () => void) => Frame} openFrame
 * @property {(rows: Row[], how: {show: (row: Row) => void, chosen: Set<string>, chose: () => void}) => HTMLElement[]} report
 * @property {(() => void) | undefined} leave ends the panel that is open
 */

/**
 * A row of the list in the panel.
 * @typedef {Exclude<PlacedState, "locked"> | Exclude<Outcome, "gone"> | "refused" | "unsure"} State refused: the server says no; unsure:
 *   whether it is saved
 * @typedef {{wanted: Wanted, value: string | null, loaded: boolean, state: State}} Row
 */

/**
 * What the background tells the panel first.
 * @typedef {object} Begun
 * @property {string} list what the list is called
 * @property {Wanted[]} rows
 * @property {TableRules} rules
 * @property {boolean} filled_here whether this page was filled, and not loaded since
 */

/**
 * Any table of a page, as text.
 * @typedef {{headings: string[], rows: {cells: string[], hrefs: string[]}[]}} ReadTable
 */

/**
 * @typedef {object} Frame
 * @property {(screen: {title: string, body: (Node | string | null | false)[], actions: HTMLElement[], fromTop?: boolean}) => void} show
 *   fromTop: the keyboard begins at the title, as what there is to press is in the body
 * @property {(words: string) => void} announce
 * @property {(element: Element) => void} point
 * @property {() => void} unpoint
 * @property {() => void} close
 */

/**
 * The list's rows by what the table may show of them.
 * @typedef {object} Lookup
 * @property {Wanted[]} all
 * @property {TableRules} rules
 * @property {boolean} sure whether the table is known to be of the kind
 * @property {Map<string, Wanted[]>} byNumber
 * @property {Map<string, Wanted[]>} byName
 */

/**
 * @typedef {object} Work
 * @property {FoundTable} found
 * @property {TableRules} rules
 * @property {Lookup} lookup
 * @property {Reading} reading
 * @property {Map<string, string>} values what to fill, by the list row's id
 * @property {Map<string, string>} expected what is there before, by the list row's id
 * @property {Control} control
 * @property {boolean} [moved] set where the columns did not stay as they were, and nothing more was filled
 */

export {};
