"""What connecting an account does to what is here, in sentences for the page and the terminal."""

from __future__ import annotations

from crmlink.linking.connections import ConnectionContents

STAYS = "People, browsers, tokens, settings and the audit stay as they are."


def replaced_in_words(contents: ConnectionContents) -> list[str]:
    """What becomes of what another account would take the place of, with counts."""
    held = (
        f"{_count(contents.links, 'link')} and {_count(contents.lists, 'list')}"
        if contents.has_decisions
        else "no link and no list"
    )
    if contents.practice:
        records = _count(contents.records, "made-up record")
        return [f"Connecting empties what came from practice: {records}, {held}.", STAYS]
    return [
        f"Another account takes the place of {contents.name}, which holds {held}: they are kept, "
        f"and shown again when {contents.name} is connected again.",
        *_unfinished(contents),
        STAYS,
    ]


def ended_in_words(contents: ConnectionContents) -> list[str]:
    """What becomes of what an account holds when it is disconnected."""
    held = f"{_count(contents.links, 'link')} and {_count(contents.lists, 'list')}"
    return [
        f"crmlink forgets the credentials and works with the sandbox, at once. {held} of this "
        "account are kept, and shown again when it is connected again.",
        *_unfinished(contents),
        STAYS,
    ]


def _unfinished(contents: ConnectionContents) -> list[str]:
    if not contents.unfinished:
        return []
    waiting = _count(contents.unfinished, "link")
    return [f"{waiting} not finished yet will be finished only then."]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
