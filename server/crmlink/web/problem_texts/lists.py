"""Problems of lists, files and imports."""

BATCH_STATE_LABELS = {
    "importing": "being read", "draft": "a draft", "matching": "being matched",
    "review": "under review", "writing": "being linked", "paused": "paused", "done": "finished",
    "cancelled": "cancelled", "undoing": "being undone", "undone": "undone",
    "filling": "being filled in on Commusoft's page",
    "reverting": "being put back on Commusoft's page",
}  # fmt: skip

# code → HTTP status, title, sentence
TEXTS: dict[str, tuple[int, str, str]] = {
    "not-your-list": (
        403,
        "Not your list",
        "{by} collected this list. A token can only delete lists that it collected. People can "
        "delete it in crmlink, under Lists.",
    ),
    "batch-state": (
        409,
        "Not possible now",
        "The list is {batch_state}, so this can't be done now. Refresh the page.",
    ),
    "batch-written": (
        409,
        "The list is kept",
        "Contacts of this list were linked in Commusoft, so it can't be deleted.",
    ),
    "row-decided": (
        409,
        "Already decided",
        "{by} has already decided this one{decision}. Check it before you change that.",
    ),
    "row-under-way": (
        409,
        "Already in progress",
        "This contact is being linked, or is linked already. To change it, undo its link first.",
    ),
    "record-chosen": (
        409,
        "The record is taken",
        "Already chosen for {contact} on this list. Only one of them can have this record.",
    ),
    "sample-needed": (
        409,
        "Check a sample first",
        "Check a sample first: the list has changed since one was shown.",
    ),
    "count-changed": (
        409,
        "The list has changed",
        "The number of contacts is now {contacts}. Check the summary again.",
    ),
    "nothing-to-link": (409, "Nothing to do", "No contact on this list is ready for this."),
    "package-needed": (
        422,
        "Which accounting software?",
        "Choose the accounting software this list came from.",
    ),
    "export-refused": (422, "The file can't be imported", "{sentence}"),
    "lines-left-out": (
        409,
        "Many lines would be left out",
        "{left_out:,} of the {lines:,} lines would be left out. Nothing has been saved yet.",
    ),
    "package-unknown": (
        422,
        "Software not supported",
        "crmlink doesn't support this accounting software.",
    ),
    "host-refused": (422, "This address can't be added", "{sentence}"),
    "records-from-api": (
        409,
        "Records come from the API",
        "crmlink reads this account's records from Commusoft's API, so none are imported.",
    ),
    "import-key-reused": (
        409,
        "Another import",
        "This import, or this part of it, had other records before. Start a new import.",
    ),
}
