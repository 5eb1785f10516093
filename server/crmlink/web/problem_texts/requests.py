"""Problems of a request itself, whatever it asks for."""

# what is limited → what is reached, and who can do something about it
LIMITS: dict[str, str] = {
    "people": "The limit for people here is {most:,}, and it is reached. Remove anyone who has "
    "left, or ask those who run crmlink for you to allow more.",
    "devices": "The limit for connected browsers and tokens here is {most:,}, and it is reached. "
    "An admin can disconnect one that isn't used, or ask those who run crmlink for you to allow "
    "more.",
    "lists": "The limit for lists here is {most:,}, and it is reached. Delete one that isn't "
    "needed, or ask those who run crmlink for you to allow more. Nothing was saved.",
    "rows": "The limit for contacts in a list is {most:,}, and this would be more. Divide the "
    "list, or ask those who run crmlink for you to allow more. Nothing was saved.",
    "sources": "The limit for companies that are read live is {most:,}, and this would be more. "
    "Disconnect one that isn't needed, or ask those who run crmlink for you to allow more. "
    "Nothing was connected.",
    "requests": "The limit for requests from everyone here together is {most:,} a minute, and it "
    "is reached. Wait a moment, then try again. If it happens often, ask those who run crmlink for "
    "you to allow more.",
}

# code → HTTP status, title, sentence
TEXTS: dict[str, tuple[int, str, str]] = {
    "malformed-request": (
        400,
        "Request not understood",
        "The request can't be read; its body must be one JSON object.",
    ),
    "form-expired": (
        400,
        "The page was too old",
        "Nothing was changed: the page was opened before you signed in, or on another site. "
        "Reload it and try again.",
    ),
    "idempotency-key-missing": (
        400,
        "Idempotency-Key missing",
        "Send an Idempotency-Key header, so that a repeated request has no further effect.",
    ),
    "not-found": (404, "Not found", "There is nothing at this address."),
    "method-not-allowed": (405, "Not possible here", "This address doesn't allow that method."),
    "too-large": (413, "Too large", "This is larger than crmlink accepts."),
    "unsupported-type": (415, "Send JSON", "Send the request's body as application/json."),
    "misdirected": (
        421,
        "Not crmlink's address",
        "This isn't crmlink's address. Use the one your admin gave you. For admins: set "
        "CRMLINK_PUBLIC_URL to the address people type, or add this one to "
        "CRMLINK_ALLOWED_HOSTS, and restart crmlink.",
    ),
    "invalid-fields": (422, "Some fields are not right", "{errors}"),
    "idempotency-key-reused": (
        422,
        "Idempotency-Key used twice",
        "This Idempotency-Key belongs to another decision. Use a new key for each decision.",
    ),
    "too-many-requests": (
        429,
        "Too many requests",
        "Too many attempts. Wait a minute, then try again.",
    ),
    "limit-reached": (409, "A limit is reached", "{sentence}"),
    "database-unavailable": (
        503,
        "crmlink can't reach its data",
        "crmlink's database isn't answering at the moment. Nothing that was agreed is lost. Wait "
        "half a minute, then try again: a reference that is saved already isn't saved twice.",
    ),
    "database-full": (
        503,
        "No room for crmlink's data",
        "The disk of crmlink's database is full, so nothing can be kept. Nothing that was agreed "
        "is lost. Ask those who run crmlink to make room, then try again.",
    ),
    "internal-error": (
        500,
        "Something went wrong in crmlink",
        "We didn't expect this. What you asked for may or may not have been done: check before you "
        "repeat it.",
    ),
}
