"""What can stop somebody at the door, as types: a code, and the facts its sentence needs."""

from __future__ import annotations

from typing import Any, ClassVar


class AccessFailure(Exception):
    """Nothing was changed. ``facts`` are values for the sentence and the answer, never for logs."""

    code: ClassVar[str]

    def __init__(self, **facts: Any) -> None:
        super().__init__(self.code)
        self.facts = facts


class InvalidToken(AccessFailure):
    """A token or cookie is unknown, malformed, over or revoked: the caller learns no more."""

    code = "token-refused"


class InvalidCredentials(AccessFailure):
    """Unknown email, wrong password, removed person: the caller learns no more."""

    code = "log-in-refused"


class TooManyAttempts(AccessFailure):
    """A password, link or code was guessed too often (facts: retry_after, in seconds)."""

    code = "too-many-requests"


class SsoUnreachable(AccessFailure):
    """The single sign-on provider does not answer."""

    code = "sso-unreachable"


class SsoDenied(AccessFailure):
    """The provider, or the person there, said no."""

    code = "sso-denied"


class InvalidSsoResponse(AccessFailure):
    """What came back from the provider is not an answer to what was asked."""

    code = "sso-refused"


class EmailNotVerified(AccessFailure):
    """The provider does not vouch for an email address."""

    code = "sso-unproven"


class NotInvited(AccessFailure):
    """Nobody with this email was invited, or they came by another account before."""

    code = "sso-unknown"


class InvalidInvitation(AccessFailure):
    """The one-time link was used, is over, or never was one."""

    code = "invitation-refused"


class WeakPassword(AccessFailure):
    """The password is too short or too easy to guess (facts: reason)."""

    code = "password-weak"


class InvalidFields(AccessFailure):
    """A name, an email, a role, scopes or days are missing or of no use (facts: errors)."""

    code = "invalid-fields"


class EmailTaken(AccessFailure):
    """Somebody in this workspace has this email already."""

    code = "email-taken"


class PersonUnknown(AccessFailure):
    """There is no such person in this workspace."""

    code = "not-found"


class LastAdmin(AccessFailure):
    """The workspace would be left without an admin."""

    code = "last-admin"


class DeviceUnknown(AccessFailure):
    """There is no such device or token in this workspace, or the beginning fits several."""

    code = "not-found"


class SessionUnknown(AccessFailure):
    """There is no such log-in."""

    code = "not-found"


class NotAllowed(AccessFailure):
    """The person's role does not reach so far."""

    code = "role-too-low"


class BeyondToken(AccessFailure):
    """A script's token asks for one with more scopes, a later end, or that it did not make."""

    code = "beyond-token"


class PersonNeeded(AccessFailure):
    """A script's token asks for what would outlast it: a person let in, or a higher role."""

    code = "person-needed"


class NotLinkOwner(AccessFailure):
    """Somebody else made the link (facts: by)."""

    code = "not-yours"


class NotListOwner(AccessFailure):
    """A script's token asks for a list to be thrown away that others collected (facts: by)."""

    code = "not-your-list"


class PairingUnknown(AccessFailure):
    """No pairing has this code (any more)."""

    code = "pairing-unknown"


class TokenRequestError(AccessFailure):
    """A browser gets no tokens; ``error`` is the word of RFC 6749 and RFC 8628 for it."""

    error: ClassVar[str] = "invalid_grant"


class InvalidTokenRequest(TokenRequestError):
    """The request lacks a field, or holds one that is too long."""

    code, error = "grant-malformed", "invalid_request"


class UnsupportedGrantType(TokenRequestError):
    """Tokens are asked for in a way that is not offered here."""

    code, error = "grant-malformed", "unsupported_grant_type"


class PairingPending(TokenRequestError):
    """Nobody has decided yet."""

    code, error = "pairing-pending", "authorization_pending"


class PairingSlowDown(TokenRequestError):
    """The browser asks more often than it was told to."""

    code, error = "pairing-hasty", "slow_down"


class PairingDenied(TokenRequestError):
    """Somebody said no."""

    code, error = "pairing-denied", "access_denied"


class PairingExpired(TokenRequestError):
    """Nobody said yes in time."""

    code, error = "pairing-over", "expired_token"


class InvalidGrant(TokenRequestError):
    """The code or token was never given out here, or was used up."""

    code = "grant-refused"


class DeviceRevoked(TokenRequestError):
    """An admin, or the person, ended this browser's connection."""

    code = "device-revoked"


class DeviceExpired(TokenRequestError):
    """The browser was not used for so long that its connection lapsed."""

    code = "device-expired"


class ProofMissing(TokenRequestError):
    """The request came without a proof of its browser's key: its extension is too old."""

    code, error = "proof-missing", "invalid_dpop_proof"


class ProofRefused(TokenRequestError):
    """The proof is malformed, was made for another request or token, or was shown before."""

    code, error = "proof-refused", "invalid_dpop_proof"


class ProofElsewhere(TokenRequestError):
    """The proof was made for another address than the one this server knows itself by."""

    code, error = "proof-elsewhere", "invalid_dpop_proof"


class NonceNeeded(TokenRequestError):
    """The proof carries no nonce of the last minutes; the answer brings one."""

    code, error = "proof-nonce", "use_dpop_nonce"


class TokenReused(TokenRequestError):
    """A refresh token was shown again after its successor was in use: somebody copied it."""

    code = "token-reused"
