"""Problems of the connected account, and of Commusoft itself."""

TRY_AGAIN = "Nothing was saved. Try again in a minute."
OUTCOME_OPEN = (
    "We don't know yet whether the change was made; crmlink will finish it automatically."
)

# Causes at Commusoft, independent of the request.
CAUSES = {
    "commusoft-refused": "Commusoft doesn't accept crmlink's credentials.",
    "commusoft-unreadable": "Commusoft sent an answer we couldn't read.",
    "commusoft-fault": "Commusoft reported an error.",
    "commusoft-unreachable": "We can't reach Commusoft at the moment.",
    "commusoft-busy": "Commusoft is busy.",
    "commusoft-slow": "Commusoft didn't answer in time.",
}

# code → HTTP status, title, sentence
TEXTS: dict[str, tuple[int, str, str]] = {
    "other-connection": (
        409,
        "Another account is connected",
        "crmlink now uses a different Commusoft account from the one this was decided for, so "
        "nothing was changed. Check it: the same number may be someone else there.",
    ),
    "pages-alone": (
        409,
        "There is no API",
        "This account is connected without an API, so references are written on Commusoft's pages.",
    ),
    "commusoft-no-api": (
        409,
        "There is no API",
        "This account is connected without an API. Nothing can be read or written there by crmlink "
        "itself.",
    ),
    "connection-ended": (
        409,
        "Commusoft changed",
        "Another Commusoft account was connected, or this one disconnected, in the meantime. Check "
        "before you repeat it.",
    ),
    "connection-not-agreed": (
        409,
        "This replaces what is here",
        "{replaced} Nothing was changed. To continue, agree under Commusoft, Connect your account, "
        "or run on the server: crmlink connect",
    ),
    "reference-not-kept": (
        502,
        "Commusoft did not keep it",
        "Commusoft accepted the change but doesn't show it: the record's reference is as it was "
        "before. Enter the reference in Commusoft yourself.",
    ),
    "write-unanswered": (
        504,
        "Commusoft has not answered yet",
        "Commusoft hasn't said whether it saved the reference. crmlink keeps checking for a few "
        "minutes. Until then, nothing else can be decided for this record.",
    ),
    "write-refused": (
        502,
        "Commusoft refused the change",
        "Commusoft refused to change this record. Its reference is as it was before.",
    ),
    "commusoft-refused": (
        502,
        "crmlink can't sign in to Commusoft",
        f"{CAUSES['commusoft-refused']} Nothing was saved. An admin can connect it again.",
    ),
    "commusoft-unreadable": (
        502,
        "We couldn't read Commusoft's answer",
        f"{CAUSES['commusoft-unreadable']} {TRY_AGAIN}",
    ),
    "commusoft-fault": (502, "Commusoft has a problem", f"{CAUSES['commusoft-fault']} {TRY_AGAIN}"),
    "commusoft-unreachable": (
        503,
        "We can't reach Commusoft",
        f"{CAUSES['commusoft-unreachable']} {TRY_AGAIN}",
    ),
    "commusoft-busy": (503, "Commusoft is busy", f"{CAUSES['commusoft-busy']} {TRY_AGAIN}"),
    "credentials-missing": (
        503,
        "Commusoft's credentials are missing",
        "crmlink uses the Commusoft account {client_id} at {base_url}, but the CRMLINK_COMMUSOFT_… "
        "variables with its credentials are no longer set. Set them again, or run on the server: "
        "crmlink disconnect",
    ),
    "commusoft-slow": (
        504,
        "Commusoft is taking too long",
        f"{CAUSES['commusoft-slow']} {TRY_AGAIN}",
    ),
}
