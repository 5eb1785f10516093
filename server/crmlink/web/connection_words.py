"""Sentences about what connecting an account affects, for page and terminal."""

from __future__ import annotations

from crmlink.linking.connections import ConnectionContents

STAYS = "People, browsers, tokens, settings and the audit log stay as they are."


def replaced_in_words(contents: ConnectionContents) -> list[str]:
    """Return sentences about what another account would replace, with counts."""
    held = _held(contents) if contents.has_decisions else "no links and no lists"
    if contents.practice:
        records = _count(contents.records, "made-up record")
        return [f"Connecting deletes the practice data: {records}, {held}.", STAYS]
    return [
        f"This replaces the account {contents.name}, which has {held}. They are kept, and shown "
        f"again when {contents.name} is connected again.",
        *_unfinished(contents),
        STAYS,
    ]


def ended_in_words(contents: ConnectionContents) -> list[str]:
    """Return sentences about an account's data when it is disconnected."""
    held = _held(contents)
    begins = "crmlink deletes the credentials and uses practice data immediately."
    if not contents.has_credentials:
        begins = "crmlink uses practice data immediately."
        held = f"{_count(contents.records, 'imported record')}, {held}"
    return [
        f"{begins} {held} of this account are kept, and shown again when it is connected again.",
        *_unfinished(contents),
        STAYS,
    ]


def _held(contents: ConnectionContents) -> str:
    parts = [_count(contents.links, "link"), _count(contents.lists, "list")]
    if contents.parked:
        parts.append(_count(contents.parked, "parked contact"))
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def _unfinished(contents: ConnectionContents) -> list[str]:
    sentences = []
    if contents.unfinished:
        waiting = _count(contents.unfinished, "link")
        sentences.append(f"{waiting} not finished yet will be finished then.")
    if contents.on_pages:
        waiting = _count(contents.on_pages, "link")
        sentences.append(
            f"{waiting} not seen on Commusoft's pages yet will wait. What is saved there until "
            "then counts once crmlink sees the page again."
        )
    return sentences


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
