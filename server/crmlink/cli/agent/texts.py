"""Sentences of crmlink agent's failures."""

from __future__ import annotations

from crmlink.sources.errors import AgentFailed

SENTENCES = {
    "unsafe-address": "The address of crmlink has to begin with https://, or with http:// for this "
    "computer.",
    "no-pyodbc": "pyodbc is missing. Install it with: pip install crmlink[sage50]",
    "not-opened": "Sage 50 can't be opened (ODBC {state}). Check the data source, the user name "
    "and the password, and that this Sage user is not signed in elsewhere.",
    "not-read": "Sage 50's ledgers can't be read ({error}).",
    "no-column": "{ledger} has no column {names}. Is this Sage 50's data?",
    "empty": "Sage 50's ledgers are empty, so nothing was sent.",
    "no-answer": "crmlink doesn't answer. Nothing is lost; try again later.",
    "token": "crmlink doesn't accept the token. It needs the scope contacts, and ends after some "
    "months.",
    "no-text": "{name} isn't a text file in UTF-8. Save it again as one.",
    "not-set-up": "The agent's service has no readable options in {folder}. Install it again with: "
    "crmlink agent service install",
    "refused": "crmlink refused the contacts: {what}",
}


def sentence_of_agent(failure: AgentFailed) -> str:
    """Return the sentence for a failure."""
    return SENTENCES[failure.code].format_map(failure.facts)
