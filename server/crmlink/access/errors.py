"""Errors of access: a code, and the parameters of its sentence."""

from __future__ import annotations

from typing import Any, ClassVar


class AccessError(Exception):
    """Base class; nothing was changed. ``facts`` are for sentence and response, never for logs."""

    code: ClassVar[str]

    def __init__(self, **facts: Any) -> None:
        super().__init__(self.code)
        self.facts = facts


class InvalidToken(AccessError):
    """A token or cookie is unknown, malformed, expired or revoked; the caller learns no more."""

    code = "token-refused"


class WorkspaceSuspended(InvalidToken):
    """The credential is of a workspace that the operator has suspended."""

    code = "workspace-suspended"


class InvalidCredentials(AccessError):
    """Unknown email, wrong password or removed person; the caller learns no more."""

    code = "log-in-refused"


class TooManyAttempts(AccessError):
    """A password, link or code was guessed too often (facts: retry_after, in seconds)."""

    code = "too-many-requests"


class SsoUnreachable(AccessError):
    """The single sign-on provider does not answer."""

    code = "sso-unreachable"


class SsoDenied(AccessError):
    """The provider, or the person there, denied the sign-in."""

    code = "sso-denied"


class InvalidSsoResponse(AccessError):
    """The provider's response does not match the request."""

    code = "sso-refused"


class EmailNotVerified(AccessError):
    """The provider does not vouch for an email address."""

    code = "sso-unproven"


class NotInvited(AccessError):
    """The email was not invited, or its person used another account before."""

    code = "sso-unknown"


class InvalidInvitation(AccessError):
    """The one-time link was used, has expired, or never existed."""

    code = "invitation-refused"


class WeakPassword(AccessError):
    """The password is too short or too easy to guess (facts: reason)."""

    code = "password-weak"


class InvalidFields(AccessError):
    """A name, an email, a role, scopes or days are missing or invalid (facts: errors)."""

    code = "invalid-fields"


class EmailTaken(AccessError):
    """Another person of this workspace has this email."""

    code = "email-taken"


class PersonNotFound(AccessError):
    """There is no such person in this workspace."""

    code = "not-found"


class LastAdmin(AccessError):
    """The workspace would be left without an admin."""

    code = "last-admin"


class DeviceNotFound(AccessError):
    """There is no such device or token in this workspace, or the prefix is ambiguous."""

    code = "not-found"


class SessionNotFound(AccessError):
    """There is no such session."""

    code = "not-found"


class NotAllowed(AccessError):
    """The person's role does not permit this."""

    code = "role-too-low"


class BeyondToken(AccessError):
    """A script's token requested one with more scopes, a later end, or that it did not create."""

    code = "beyond-token"


class PersonNeeded(AccessError):
    """A script's token requested what would outlast it: an invited person, or a higher role."""

    code = "person-needed"


class NotLinkOwner(AccessError):
    """Another device made the link (facts: by)."""

    code = "not-yours"


class NotListOwner(AccessError):
    """A script's token tried to delete a list collected by others (facts: by)."""

    code = "not-your-list"


class NotParkedContactOwner(AccessError):
    """A script's token tried to remove a contact parked by others (facts: by)."""

    code = "not-your-parked-contact"


class PairingNotFound(AccessError):
    """No pairing has this code (any more)."""

    code = "pairing-unknown"


class TokenRequestError(AccessError):
    """A browser gets no tokens; ``error`` is the code of RFC 6749 and RFC 8628."""

    error: ClassVar[str] = "invalid_grant"


class InvalidTokenRequest(TokenRequestError):
    """The request lacks a field, or has one that is too long."""

    code, error = "grant-malformed", "invalid_request"


class UnsupportedGrantType(TokenRequestError):
    """The grant type is not supported."""

    code, error = "grant-malformed", "unsupported_grant_type"


class PairingPending(TokenRequestError):
    """The pairing is not decided yet."""

    code, error = "pairing-pending", "authorization_pending"


class PairingSlowDown(TokenRequestError):
    """The browser polls more often than it may."""

    code, error = "pairing-hasty", "slow_down"


class PairingDenied(TokenRequestError):
    """The pairing was denied."""

    code, error = "pairing-denied", "access_denied"


class PairingExpired(TokenRequestError):
    """The pairing was not approved in time."""

    code, error = "pairing-over", "expired_token"


class InvalidGrant(TokenRequestError):
    """The code or token was never issued here, or was used up."""

    code = "grant-refused"


class DeviceRevoked(TokenRequestError):
    """An admin, or the person, revoked this browser."""

    code = "device-revoked"


class DeviceExpired(TokenRequestError):
    """The browser was not used for so long that its connection expired."""

    code = "device-expired"


class ProofMissing(TokenRequestError):
    """The request has no proof of the browser's key: its extension is too old."""

    code, error = "proof-missing", "invalid_dpop_proof"


class ProofRefused(TokenRequestError):
    """The proof is malformed, belongs to another request or token, or was presented before."""

    code, error = "proof-refused", "invalid_dpop_proof"


class ProofElsewhere(TokenRequestError):
    """The proof was made for another address than this server's."""

    code, error = "proof-elsewhere", "invalid_dpop_proof"


class NonceNeeded(TokenRequestError):
    """The proof has no current nonce; the response has one."""

    code, error = "proof-nonce", "use_dpop_nonce"


class TokenReused(TokenRequestError):
    """A refresh token was presented again after its successor was used: it was copied."""

    code = "token-reused"
