"""The words that pages use for what the audit and the states call by codes."""

from __future__ import annotations

ACTIONS = {
    "link.decided": "decided a link",
    "link.intended": "decided a link",
    "link.linked": "linked",
    "link.failed": "a link failed",
    "link.conflict": "a link met a conflict",
    "link.undone": "undid a link",
    "person.invited": "added a person",
    "person.invited_again": "made a one-time link",
    "person.joined": "joined",
    "person.password_changed": "changed the password",
    "person.renamed": "corrected a name",
    "person.role": "changed a role",
    "person.removed": "removed a person",
    "person.exported": "took away a person's data",
    "person.erased": "erased a person",
    "record.exported": "took away a record's data",
    "record.erased": "erased a record's data",
    "session.begun": "logged in",
    "session.ended": "ended a log-in",
    "session.all_ended": "ended all log-ins",
    "pairing.approved": "approved a browser",
    "pairing.needs_admin": "asked an admin for a browser",
    "pairing.denied": "refused a browser",
    "device.paired": "a browser was connected",
    "device.revoked": "disconnected a browser",
    "device.renamed": "renamed a device",
    "device.token_reused": "a browser's token was copied; it was stopped",
    "token.created": "made a token",
    "token.rotated": "made a token anew",
    "token.revoked": "revoked a token",
    "token.all_revoked": "revoked all tokens",
    "preferences.changed": "changed the settings",
}
ROLES = {"clerk": "Clerk", "manager": "Manager", "admin": "Admin"}


def action_in_words(action: str) -> str:
    """What was done, as people say it; a code that is new here in its plain letters."""
    return ACTIONS.get(action, action.replace(".", ": ").replace("_", " "))


def value_in_words(value: object) -> str:
    """A detail of the audit: a text, a number, or a list of them."""
    match value:
        case None | "":
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case list():
            return " → ".join(value_in_words(item) for item in value) or "nothing"
        case dict():
            return ", ".join(f"{name} {value_in_words(item)}" for name, item in value.items())
        case _:
            return str(value)
