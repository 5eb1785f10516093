"""Problems of people, browsers and tokens: pairing, signing in, permissions."""

# code → HTTP status, title, sentence
TEXTS: dict[str, tuple[int, str, str]] = {
    "pairing-pending": (400, "Not approved yet", "This browser has not been approved yet."),
    "pairing-hasty": (400, "Too soon", "Try again a little later."),
    "pairing-denied": (400, "Not approved", "This browser was not approved."),
    "pairing-over": (
        400,
        "The code has expired",
        "This code has expired: it was used already, or 10 minutes have passed. Select Connect "
        "again for a new one.",
    ),
    "grant-malformed": (
        400,
        "Request not understood",
        "The request is missing something, or asks for something crmlink doesn't offer.",
    ),
    "grant-refused": (
        400,
        "Not connected",
        "crmlink doesn't recognise this browser's connection. Connect it again.",
    ),
    "device-revoked": (
        400,
        "Disconnected in crmlink",
        "This browser was disconnected. Connect it again, or ask your admin.",
    ),
    "device-expired": (
        400,
        "Connection expired",
        "This browser was not used for a long time, so its connection has expired. Connect it "
        "again.",
    ),
    "proof-missing": (
        400,
        "The extension has to be updated",
        "This browser's crmlink extension is too old for this server. Update it, then connect "
        "this browser again. Nothing is lost.",
    ),
    "proof-refused": (
        400,
        "Not connected",
        "We couldn't check that this is the browser that was connected. Connect it again.",
    ),
    "proof-elsewhere": (
        400,
        "Another address",
        "crmlink doesn't know the address it was reached at, so it can't trust this browser. Tell "
        "your admin: the proxy in front of crmlink must pass on the address.",
    ),
    "proof-nonce": (400, "Send it again", "Send this again with the nonce in this answer."),
    "token-reused": (
        400,
        "Disconnected for safety",
        "The connection of this browser was used from somewhere else too, so crmlink ended it. "
        "Tell your admin, then connect it again.",
    ),
    "token-refused": (
        401,
        "Not connected",
        "This browser or script is not connected. Connect it again, or use a valid token.",
    ),
    "workspace-suspended": (
        403,
        "Suspended",
        "crmlink is suspended for your firm. Nothing is lost. Ask those who run it for you.",
    ),
    "log-in-refused": (
        401,
        "Not signed in",
        "Wrong email or password. Try again, or ask your admin for a new link.",
    ),
    "sso-refused": (
        400,
        "Single sign-on not completed",
        "The single sign-on was not completed. Try again.",
    ),
    "sso-denied": (
        403,
        "Single sign-on refused",
        "Your single sign-on refused to sign you in. Try again, or use your password.",
    ),
    "sso-unproven": (
        403,
        "Email not proven",
        "Your single sign-on hasn't confirmed your email address. Ask your admin to have it "
        "confirmed, or use your password.",
    ),
    "sso-unknown": (
        403,
        "Not invited",
        "Your email has not been invited here. Ask your admin for an invitation.",
    ),
    "role-too-low": (403, "Not allowed", "Only an admin can do this."),
    "beyond-token": (
        403,
        "Beyond this token",
        "A token can't create one with more scopes or a later expiry than its own, and can only "
        "replace itself and tokens it created. An admin can, in crmlink under Devices.",
    ),
    "person-needed": (
        403,
        "Only a person can do this",
        "A token can't invite anyone, create one-time links or raise a role. An admin can, in "
        "crmlink under People.",
    ),
    "scope-missing": (
        403,
        "Not allowed",
        "Your role or this token doesn't allow this; it needs “{scope}”.",
    ),
    "pairing-unknown": (
        404,
        "Code not recognised",
        "No browser is showing this code. Check each letter, or select Connect again.",
    ),
    "email-taken": (409, "Email in use", "Someone here already has this email."),
    "last-admin": (
        409,
        "The last admin",
        "crmlink needs an admin. Make someone else an admin first.",
    ),
    "invitation-refused": (
        410,
        "The link has expired",
        "This one-time link was used or replaced, or has expired. Ask your admin for a new one.",
    ),
    "password-weak": (422, "Choose another password", "{reason}"),
    "sso-unreachable": (
        503,
        "We can't reach the single sign-on",
        "We can't reach the single sign-on at the moment. Try again in a minute, or use your "
        "password.",
    ),
}
