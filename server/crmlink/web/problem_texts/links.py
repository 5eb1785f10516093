"""Problems of one link, and of the record and contact that it is about."""

UNDO_OBSTACLES = {
    "undone": "it was already undone",
    "intended": "we don't know its outcome yet",
    "failed": "it changed nothing",
    "conflict": "it ended in a conflict, so check the record in Commusoft",
    "undo": "it is itself an undo; link the contact again instead",
    "unchanged": "the record had this reference before",
    "gone": "the customer or supplier was deleted in Commusoft",
}

# code → HTTP status, title, sentence
TEXTS: dict[str, tuple[int, str, str]] = {
    "not-yours": (
        403,
        "Not your link",
        "{by} made this link. They can undo it, and so can a manager.",
    ),
    "not-your-parked-contact": (
        403,
        "Not your parked contact",
        "{by} parked this contact. A token can only remove contacts that it parked. People can "
        "remove it in crmlink, under Parked contacts.",
    ),
    "record-unknown": (
        404,
        "Record not known",
        "crmlink doesn't know this Commusoft record. It may be new: an admin can update the "
        "records under Commusoft.",
    ),
    "record-has-reference": (
        409,
        "The record has another reference",
        "{record} already has the reference {current_reference} in Commusoft{whom}. "
        "Nothing was changed.",
    ),
    "reference-taken": (
        409,
        "The reference is on another record",
        "{holders} already has this reference in Commusoft. Nothing was changed.",
    ),
    "kind-differs": (
        409,
        "Customer or supplier?",
        "The contact is a {contact_kind}, but {record} is a {record_kind} in Commusoft. "
        "Nothing was changed.",
    ),
    "reference-not-shown": (
        409,
        "Commusoft does not show the reference",
        "Commusoft doesn't show us whether {record} already has a reference. Check the record in "
        "Commusoft first. Nothing was changed.",
    ),
    "record-changed": (
        409,
        "The reference changed in Commusoft",
        "The reference in Commusoft is {current_reference}: neither the earlier one nor the new "
        "one, so crmlink stopped. Check the record before you decide again.",
    ),
    "link-in-progress": (
        409,
        "A link is in progress",
        "{by} started linking this contact or this record at {since}. Check again in a moment.",
    ),
    "link-waits-on-page": (
        409,
        "A link waits to be saved",
        "{by} decided at {since} what reference {waits_on} gets, and it is not saved on "
        "Commusoft's page yet. Save it there, or withdraw it.",
    ),
    "not-on-page": (
        409,
        "Not written on the page",
        "This link is written by Commusoft's API, so what a page shows does not end it.",
    ),
    "page-read-earlier": (
        409,
        "Load the page again",
        "This page of Commusoft was opened before crmlink last saw {record}, and shows something "
        "else. Nothing was changed. Load the page again.",
    ),
    "not-seen-yet": (
        409,
        "Not seen on the page yet",
        "Commusoft's page still shows what was there before. crmlink looks again when the page is "
        "opened next.",
    ),
    "backup-restored": (
        409,
        "On its way when the backup was made",
        "crmlink was restored from a backup that was made while this was on its way. The record's "
        "reference is as it was before, so nothing was written. If it is still right, link again.",
    ),
    "withdrawn": (
        409,
        "Withdrawn",
        "This was withdrawn before it was saved on Commusoft's page.",
    ),
    "withdrawn-unseen": (
        409,
        "Withdrawn without a look",
        "This was withdrawn without a look at Commusoft's page. Check the record there: it may "
        "have been saved all the same.",
    ),
    "record-being-tested": (
        409,
        "The record is being tested",
        "{by} started a saving test on this record at {since}. Try again in a few minutes; the "
        "Commusoft page in crmlink shows its progress.",
    ),
    "cannot-undo": (
        409,
        "Cannot be undone",
        "This link can't be undone: {present}. Nothing was changed.",
    ),
    "reference-erased": (
        410,
        "The contact was erased",
        "This contact was erased, so crmlink no longer has its reference. To link it after all, "
        "open it in your accounting software.",
    ),
    "record-gone": (
        410,
        "The record is gone",
        "This record has been deleted in Commusoft, so its reference cannot be changed.",
    ),
    "reference-malformed": (
        422,
        "Not a reference of this software",
        "{sentence}",
    ),
}
