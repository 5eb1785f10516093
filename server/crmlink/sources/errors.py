"""Errors of live sources: a code, and the parameters of its sentence; no message has data."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar


class SourceError(Exception):
    """Base class; ``cause`` is a short text for the log, without data."""

    code: ClassVar[str]

    def __init__(self, cause: str = "", **facts: Any) -> None:
        super().__init__(cause)
        self.cause = cause
        self.facts = facts


class SourceNotFound(SourceError):
    """There is no such source in this workspace, or it was disconnected."""

    code = "not-found"


class SourceUnreachable(SourceError):
    """No connection, or no complete answer in time."""

    code = "source-unreachable"


class SourceFault(SourceError):
    """The package reports an error of its own."""

    code = "source-fault"


class SourceUnreadable(SourceError):
    """An answer that is not the API's: no JSON, too large, a link to another host."""

    code = "source-unreadable"


class SourceRefused(SourceError):
    """The package does not accept the sign-in any more; a person has to connect it again.

    ``company_only``: perhaps it accepts it for other companies.
    """

    code = "source-refused"

    def __init__(self, cause: str = "", *, company_only: bool = False) -> None:
        super().__init__(cause)
        self.company_only = company_only


class SignInElsewhere(SourceRefused):
    """The database was copied or restored, so another crmlink may use the same sign-in."""

    code = "source-elsewhere"


class SourceLimited(SourceError):
    """A limit of the package is reached; reading goes on at ``until``."""

    code = "source-limited"

    def __init__(self, until: datetime, cause: str = "") -> None:
        super().__init__(cause)
        self.until = until


class SourceSyncInProgress(SourceError):
    """Another process reads this source, or has taken over."""

    code = "source-busy"


class SignInExpired(SourceError):
    """The sign-in at the package is unknown, too old, or another person's."""

    code = "source-sign-in-expired"


class SignInWrong(SourceError):
    """The package did not accept what the person typed, or has locked the user."""

    code = "source-sign-in-wrong"


class OtherCompany(SourceError):
    """The sign-in reaches another company than the source to be read."""

    code = "source-other-company"


class SignInDenied(SourceError):
    """The person did not agree at the package, or it refused the code."""

    code = "source-sign-in-denied"


class OtherCompanyFile(SourceError):
    """QuickBooks has another company file open than the one that was read before."""

    code = "source-other-file"


class SessionOver(SourceError):
    """The ticket is not that of the present session."""

    code = "source-session-over"


class ConnectorRefused(SourceError):
    """The Web Connector's user name or password is wrong."""

    code = "source-connector-refused"


class WebhookRefused(SourceError):
    """What came was not signed with a source's own key."""

    code = "source-webhook-refused"


class PartMissing(SourceError):
    """A part of a list came before the one that precedes it."""

    code = "source-part-missing"


class OtherData(SourceError):
    """Contacts of other data come under the company's name already."""

    code = "source-other-data"


class TooManyCompanies(SourceError):
    """Agents have brought contacts of as many companies as are taken."""

    code = "source-too-many-companies"


class AgentFailed(Exception):
    """The agent cannot read or send: a code, and parameters of its sentence without data."""

    def __init__(self, code: str, **facts: str) -> None:
        super().__init__(code)
        self.code, self.facts = code, facts
