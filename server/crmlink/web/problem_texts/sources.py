"""Problems of reading contacts from accounting software."""

AGAIN = "What was read is kept; crmlink tries again automatically."

# code → HTTP status, title, sentence
TEXTS: dict[str, tuple[int, str, str]] = {
    "source-unreachable": (
        503,
        "We can't reach the accounting software",
        f"The accounting software doesn't answer at the moment. {AGAIN}",
    ),
    "source-fault": (
        502,
        "The accounting software has a problem",
        f"The accounting software reported an error of its own. {AGAIN}",
    ),
    "source-unreadable": (
        502,
        "We couldn't read the answer",
        f"The accounting software sent an answer we couldn't read. {AGAIN}",
    ),
    "source-refused": (
        502,
        "Connect it again",
        "The accounting software no longer accepts crmlink's sign-in. An admin can connect it "
        "again; the contacts are kept. If it happens again, another crmlink uses the same sign-in, "
        "such as one restored from a backup: connect only one.",
    ),
    "source-elsewhere": (
        409,
        "Is another crmlink still used?",
        "This crmlink was copied or restored from a backup, so another one may use the same "
        "sign-in, and the accounting software ends it for both then. Nothing was asked there. If "
        "no other crmlink is used any more, an admin can continue here; if one is, connect again.",
    ),
    "source-limited": (
        503,
        "The limit is reached",
        "The accounting software accepts no more requests for now. What was read is kept, and "
        "crmlink continues automatically.",
    ),
    "source-busy": (
        409,
        "It is being read",
        "The contacts are being read just now. Try again in a minute.",
    ),
    "source-sign-in-expired": (
        409,
        "Start again",
        "This sign-in has expired, was used already, or was started by someone else. Connect the "
        "accounting software again.",
    ),
    "source-other-file": (
        409,
        "Another company file",
        "QuickBooks has another company file open than the one that was read before, so nothing "
        "was read. Open that file, or connect the other one too.",
    ),
    "source-part-missing": (
        409,
        "A part is missing",
        "A part of the list didn't arrive. Send the whole list again, beginning with part 1.",
    ),
    "source-session-over": (
        409,
        "The session is over",
        "This session has ended. Select Update Selected in the Web Connector to start a new one.",
    ),
    "source-connector-refused": (
        401,
        "Not accepted",
        "The Web Connector's user name or password is wrong.",
    ),
    "source-other-data": (
        409,
        "Another company of this name",
        "Contacts of other Sage 50 data already arrive under this company's name, so these were "
        "not stored. Give this company a name of its own with --company. If its data has moved, "
        "run the agent there once with --moved.",
    ),
    "source-too-many-companies": (
        409,
        "Too many companies",
        "crmlink takes contacts of 50 companies from agents. Keep a company's name the same, and "
        "disconnect those that aren't needed.",
    ),
    "source-webhook-refused": (
        401,
        "Not accepted",
        "It was not signed with the key that the accounting software gave for this webhook.",
    ),
    "source-sign-in-wrong": (
        422,
        "Not accepted",
        "The accounting software didn't accept that. Check the user name, the password and the "
        "characters, and start again. After several wrong attempts it locks the user.",
    ),
    "source-other-company": (
        409,
        "Another company",
        "That sign-in belongs to another company, so nothing was read. Sign in to the company "
        "that you selected, or connect the other one too.",
    ),
    "source-sign-in-denied": (
        409,
        "Not connected",
        "The accounting software didn't give access. If you agreed there, check the client id and "
        "the redirect address, then try again.",
    ),
}
