"""Sentences for the failures that a command ends with."""

from __future__ import annotations

import click
from sqlalchemy.exc import DatabaseError, OperationalError

from crmlink.access.errors import AccessError, InvalidFields
from crmlink.accounting.errors import AccountingError
from crmlink.cli.agent.texts import sentence_of_agent
from crmlink.commusoft.errors import CommusoftError
from crmlink.commusoft.vault import VaultKeyMissing
from crmlink.linking.errors import LinkFailed, LinkingError
from crmlink.settings.errors import InvalidSettings
from crmlink.sources.errors import AgentFailed
from crmlink.store.only_server import ServerRunning
from crmlink.store.quotas import QuotaReached
from crmlink.web.problems import problem_from_error

FAILURES = (AccessError, LinkingError, LinkFailed, CommusoftError, AccountingError,
            QuotaReached)  # fmt: skip


def sentence_of(error: Exception) -> str | None:
    """Return the sentence for a failure; None for an error in the program.

    Raises click.UsageError if an argument is wrong.
    """
    match error:
        case InvalidFields():
            raise click.UsageError(problem_from_error(error).detail) from error
        case VaultKeyMissing():
            return (
                "The stored Commusoft credentials were encrypted with another key. Restore "
                "credential.keys from your backup, or run: crmlink disconnect"
            )
        case AgentFailed():
            return sentence_of_agent(error)
        case InvalidSettings() | ServerRunning():
            return str(error)
        case DatabaseError() if type(error) in (DatabaseError, OperationalError):
            cause = str(error.orig).strip().partition("\n")[0]
            return f"The database can't be used: {cause}. crmlink check says more."
    return problem_from_error(error).detail if isinstance(error, FAILURES) else None
