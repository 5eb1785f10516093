"""Schemas of people, devices and tokens."""

from __future__ import annotations

from marshmallow import EXCLUDE, Schema, fields, validate

from crmlink.access.api_tokens import DEFAULT_DAYS, DEFAULT_SCOPES, MAX_DAYS
from crmlink.access.devices import MAX_NAME_LENGTH, DeviceStatus
from crmlink.access.preferences import MAX_DAYS as MAX_DAYS_KEPT
from crmlink.access.preferences import MAX_SURE, MIN_SURE
from crmlink.access.roles import SCOPES
from crmlink.api.schemas.common import text
from crmlink.api.schemas.workspace import ActingPersonSchema
from crmlink.store import Role
from crmlink.web.strict_parsing import QueryInteger, StrictBoolean, StrictFloat, StrictInteger

DEVICE_CODE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
ROLE = validate.OneOf([role.value for role in Role])
STANDING = validate.OneOf([standing.value for standing in DeviceStatus])


class OAuthSchema(Schema):
    """Base schema that ignores unknown parameters, as RFC 6749 requires."""

    class Meta:
        """Ignore unknown parameters."""

        unknown = EXCLUDE


class PairingSchema(OAuthSchema):
    """RFC 8628's device authorization request; ``browser`` is the browser's own name."""

    client_id = text(60, load_default="")
    browser = text(60, load_default="")


class DeviceAuthorizationSchema(Schema):
    """RFC 8628's device authorization response; times in seconds."""

    device_code = fields.String()
    user_code = fields.String()
    verification_uri = fields.String()
    verification_uri_complete = fields.String()
    expires_in = fields.Integer()
    interval = fields.Integer()


class TokenRequestSchema(OAuthSchema):
    """RFC 6749's token request, with a device code or a refresh token."""

    grant_type = fields.String(
        required=True, validate=validate.OneOf([DEVICE_CODE_GRANT, "refresh_token"])
    )
    client_id = text(60, load_default="")
    device_code = text(100, load_default="")
    refresh_token = text(100, load_default="")


class GrantDeviceSchema(Schema):
    """The device of a token response."""

    id = fields.String()
    name = fields.String()


class TokenResponseSchema(Schema):
    """RFC 6749's token response; ``expires_in`` is the access token's lifetime in seconds."""

    access_token = fields.String()
    token_type = fields.String()
    expires_in = fields.Integer()
    refresh_token = fields.String()
    device = fields.Nested(GrantDeviceSchema)
    person = fields.Nested(ActingPersonSchema)


class PersonSchema(Schema):
    """A person who may sign in; ``joined_at`` is null until they have used their link."""

    id = fields.String()
    name = fields.String()
    email = fields.String()
    role = fields.String(validate=ROLE)
    joined_at = fields.AwareDateTime(allow_none=True)
    last_seen_at = fields.AwareDateTime(allow_none=True)


class PeopleSchema(Schema):
    """All people."""

    people = fields.List(fields.Nested(PersonSchema))


class NewPersonSchema(Schema):
    """A person to invite."""

    name = text(100, required=True)
    email = text(254, required=True)
    role = fields.String(required=True, validate=ROLE)
    by_email = StrictBoolean(
        load_default=True,
        metadata={"description": "Whether the link is also emailed, where email is set up."},
    )


class ChangedPersonSchema(Schema):
    """Changes of a person."""

    name = text(100, allow_none=True, load_default=None)
    role = fields.String(validate=ROLE, allow_none=True, load_default=None)


class InvitationSchema(PersonSchema):
    """A person with their new one-time link."""

    link = fields.String(metadata={"description": "The one-time link, good for seven days."})
    emailed = fields.Boolean(metadata={"description": "Whether crmlink emails the link too."})


class LogOutSchema(Schema):
    """Which sessions to end."""

    browsers = StrictBoolean(
        load_default=False, metadata={"description": "Whether the person's browsers end too."}
    )


class LoggedOutSchema(Schema):
    """How many browsers ended."""

    browsers = fields.Integer(metadata={"description": "How many browsers ended."})


class NameSchema(Schema):
    """A new name."""

    name = text(MAX_NAME_LENGTH, required=True)


class UsedDeviceSchema(Schema):
    """A browser or a script: its validity and its use."""

    id = fields.String()
    name = fields.String()
    state = fields.String(validate=STANDING)
    created_at = fields.AwareDateTime()
    expires_at = fields.AwareDateTime()
    last_used_at = fields.AwareDateTime(allow_none=True)
    last_used_address = fields.String(allow_none=True)
    use_count = fields.Integer()
    revoked_at = fields.AwareDateTime(allow_none=True)


class DeviceSchema(UsedDeviceSchema):
    """A paired browser."""

    person = fields.String(allow_none=True)
    revoked_because = fields.String(allow_none=True)


class DevicesSchema(Schema):
    """All paired browsers."""

    devices = fields.List(fields.Nested(DeviceSchema))


class NewTokenSchema(Schema):
    """A script token to create."""

    name = text(MAX_NAME_LENGTH, required=True)
    scopes = fields.List(
        fields.String(validate=validate.OneOf(SCOPES)),
        load_default=list(DEFAULT_SCOPES),
        validate=validate.Length(1, len(SCOPES)),
    )
    days = StrictInteger(
        load_default=None,
        validate=validate.Range(1, MAX_DAYS),
        metadata={
            "description": f"{DEFAULT_DAYS} unless given, or until the end of the token that asks."
        },
    )


class TokenSchema(UsedDeviceSchema):
    """A script's token, without its secret.

    ``state`` is expiring in the last 14 days: rotate it before the script stops.
    """

    begins = fields.String()
    scopes = fields.List(fields.String())
    made_by = fields.String(allow_none=True)
    made_by_token = fields.String(
        allow_none=True, metadata={"description": "The id of the token that made it, if one did."}
    )


class TokensSchema(Schema):
    """All script tokens."""

    tokens = fields.List(fields.Nested(TokenSchema))


class ShownTokenSchema(TokenSchema):
    """A new script token with its secret, shown only once."""

    token = fields.String()


class SecretSchema(Schema):
    """The secret of a rotated token."""

    token = fields.String()
    expires_at = fields.AwareDateTime()


class RevokedSchema(Schema):
    """How many tokens were revoked."""

    revoked = fields.Integer()


class AuditQuerySchema(Schema):
    """Query of the audit.

    ``q`` searches; ``action`` is a prefix of the action; ``before`` is a sequence number.
    """

    q = text(200, load_default="")
    action = text(60, load_default="")
    before = QueryInteger(allow_none=True, load_default=None, validate=validate.Range(1, 2**31 - 1))
    limit = QueryInteger(load_default=50, validate=validate.Range(1, 200))


class AuditEntrySchema(Schema):
    """One audit entry."""

    place = fields.Integer()
    at = fields.AwareDateTime()
    action = fields.String()
    subject = fields.String()
    person = fields.String(allow_none=True)
    device = fields.String(allow_none=True)
    details = fields.Dict()
    hash = fields.String()


class ChainSchema(Schema):
    """Status of the audit's chain."""

    sound = fields.Boolean()
    broken_at = fields.Integer(allow_none=True)
    problems = fields.List(
        fields.String(), metadata={"description": "What is wrong, a sentence each."}
    )


class AuditSchema(Schema):
    """Audit entries."""

    entries = fields.List(fields.Nested(AuditEntrySchema))
    next = fields.Integer(allow_none=True)
    chain = fields.Nested(ChainSchema)


class PreferencesSchema(Schema):
    """The workspace's preferences."""

    pairing_needs_admin = StrictBoolean(required=True)
    keep_names_days = StrictInteger(required=True, validate=validate.Range(0, MAX_DAYS_KEPT))
    keep_drafts_days = StrictInteger(required=True, validate=validate.Range(0, MAX_DAYS_KEPT))
    sure_bound = StrictFloat(
        load_default=MIN_SURE,
        validate=validate.Range(MIN_SURE, MAX_SURE),
        metadata={"description": "The least probability of what whole lists call sure."},
    )
