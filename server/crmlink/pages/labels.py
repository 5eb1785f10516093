"""Labels of audit actions, roles and states."""

from __future__ import annotations

from collections.abc import Mapping

# Why Commusoft is asked less often than it may be.
PACE_REASONS = {
    "busy": "Commusoft asked for fewer.",
    "failing": "Commusoft answered with errors.",
    "slow": "Commusoft took twice as long as before.",
    "silent": "Commusoft did not answer.",
}
ACTIONS = {
    "link.intended": "asked for a link",
    "link.linked": "linked",
    "link.failed": "link failed",
    "link.conflict": "link ended in a conflict",
    "link.undone": "undid a link",
    "link.left_to_page": "left a link to Commusoft's page, as the API refused it",
    "link.prior_replaced": "agreed to replace another reference",
    "batch.made": "started a list",
    "batch.imported": "added a file",
    "batch.matching": "started matching a list",
    "batch.matching_stopped": "stopped matching",
    "batch.sure_accepted": "accepted all sure matches",
    "batch.writing": "started linking a list",
    "batch.paused": "paused a list",
    "batch.resumed": "resumed a list",
    "batch.decided_together": "decided contacts together",
    "batch.reopened": "reopened a cancelled list",
    "batch.again": "retried failed contacts",
    "batch.cancelled": "cancelled a list",
    "batch.done": "finished linking a list",
    "batch.undoing": "started undoing a list",
    "batch.undone": "finished undoing a list",
    "batch.filling": "left a list to be filled in on Commusoft's page",
    "batch.reverting": "left a list to be put back on Commusoft's page",
    "batch.discarded": "deleted a list",
    "contact.parked": "parked a contact without a record",
    "contact.unparked": "removed a parked contact",
    "records.imported": "imported records",
    "lookalike.dismissed": "marked two records as not duplicates",
    "person.invited": "added a person",
    "person.invited_again": "created a one-time link",
    "person.password_requested": "was sent a link for a new password",
    "email.server_set": "set the mail server",
    "email.server_removed": "removed the mail server",
    "email.weekly_time": "chose when weekly summaries are sent",
    "email.again": "sent an email again",
    "email.choice": "chose which emails to get",
    "person.joined": "set a password with a one-time link",
    "person.password_changed": "changed the password",
    "person.login_joined": "signed in with one password for several firms",
    "person.login_left": "has a password for this firm alone again",
    "person.renamed": "corrected a name",
    "person.role": "changed a role",
    "person.removed": "removed a person",
    "personal.erased": "erased personal data",
    "personal.retention": "deleted old names",
    "session.begun": "signed in",
    "session.ended": "signed out",
    "session.all_ended": "signed out everywhere",
    "pairing.approved": "approved a browser",
    "pairing.needs_admin": "asked an admin for a browser",
    "pairing.denied": "refused a browser",
    "device.paired": "a browser was connected",
    "device.revoked": "disconnected a browser",
    "device.renamed": "renamed a device",
    "device.token_reused": "a browser's old token was used again; the browser was disconnected",
    "device.token_copied": "a copied token of a browser was refused",
    "token.created": "created a token",
    "token.rotated": "replaced a token",
    "token.revoked": "revoked a token",
    "token.all_revoked": "revoked all tokens",
    "commusoft.connected": "connected Commusoft",
    "commusoft.disconnected": "disconnected Commusoft",
    "commusoft.practice_emptied": "deleted practice data",
    "commusoft.write_tested": "tested saving to a record",
    "commusoft.form_refused": "stopped using a way to save that changed other fields",
    "commusoft.write_restored": "restored a record's reference after a saving test",
    "source.connected": "connected accounting software",
    "source.taken_over": "continued a sign-in that came with a copy of crmlink",
    "source.password_replaced": "replaced a Web Connector's password",
    "source.contact_checked": "found a linked contact right",
    "source.webhook_set": "let accounting software tell of changes",
    "source.webhook_removed": "ended that accounting software tells of changes",
    "source.disconnected": "disconnected accounting software",
    "rules.installed": "installed a rule file",
    "workspace.made": "set up crmlink for the firm",
    "workspace.exported": "exported everything of the firm",
    "workspace.renamed": "named the firm",
    "workspace.limited": "set limits for the firm",
    "workspace.suspended": "suspended crmlink for the firm",
    "workspace.resumed": "ended the suspension",
    "rules.removed": "went back to crmlink's own rules",
    "host.added": "added an address",
    "host.removed": "removed an address",
    "workspace.writes": "chose how references are written",
    "record_field.shown": "showed crmlink a field on Commusoft's page",
    "record_field.removed": "removed a field on Commusoft's page",
    "checklist.removed": "removed an answer about Commusoft, which named an erased person",
    "backup.made": "made a backup",
    "backup.downloaded": "downloaded a backup",
    "checklist.answered": "answered a question about Commusoft",
    "preferences.changed": "changed the settings",
    "audit.signed": "started signing the audit log",
    "audit.key_changed": "signs the audit log with another key",
    "audit.anchors_begun": "started a new anchor file",
    "audit.redacted": "hid references of erased people in lines of older versions",
    "audit.accepted": "accepted a problem with the audit log",
    "person.operator_made": "was made an operator of crmlink",
    "person.operator_ended": "is no operator of crmlink any more",
    "person.left": "left the firm",
    "workspace.merged": "merged several workspaces into one",
}
ENDINGS = {  # reason why a browser or token ended
    "disconnected": "by its own extension",
    "person-removed": "because its person was removed",
    "token-reused": "because its tokens were also used elsewhere",
    "no-key": "because crmlink was updated: it has to be connected again",
    "maker-ended": "with the token that made it",
}
OF_UNDOS = {  # states of a link that undoes another
    "link.intended": "asked to undo a link",
    "link.failed": "undo failed",
    "link.conflict": "undo ended in a conflict",
}
ROLES = {"clerk": "Clerk", "manager": "Manager", "admin": "Admin"}


def action_in_words(action: str, details: Mapping[str, object] | None = None) -> str:
    """Return the label of an action; an unknown code as plain text."""
    details = details or {}
    if "undoes" in details and action in OF_UNDOS:
        return OF_UNDOS[action]
    if action == "person.joined" and "by" in details:
        return "joined"
    return ACTIONS.get(action, action.replace(".", ": ").replace("_", " "))


def value_in_words(value: object) -> str:
    """Return a detail of the audit as text."""
    match value:
        case None | "":
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(value_in_words(item) for item in value) or "nothing"
        case dict():
            return "; ".join(_change_in_words(name, both) for name, both in value.items())
        case _:
            return str(value)


def _change_in_words(name: str, both: object) -> str:
    match both:
        case [before, after]:
            change = f"{value_in_words(before)} → {value_in_words(after)}"
        case _:
            change = value_in_words(both)
    return f"{name.replace('_', ' ')} {change}"
