"""The checklist as sentences, and as a text to send to crmlink's makers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from crmlink.commusoft.checklist.answers import Answer
from crmlink.commusoft.checklist.questions import PARTS, QUESTIONS, Question

Args = Mapping[str, Any]
LEFT_OUT = "(left out, as it may name a customer or supplier)"
_REFUSALS = {
    "email": "Leave out email addresses: the report must not hold a customer's data.",
    "number": "Leave out long numbers: they may be a telephone or an account number.",
    "postcode": "Leave out postcodes: the report must not hold a customer's data.",
    "name": "Leave out names of customers and suppliers, and of their people.",
    "address": "Copy an address from the browser's address bar.",
    "too-long": "Shorten it: this is too long.",
    "choice": "Choose one of the answers.",
}


def refusal_text(code: str) -> str:
    """Return why an answer was refused, as a sentence."""
    return _REFUSALS[code]


def fact_text(code: str, args: Args) -> str:
    """Return something that crmlink found out itself, as a sentence."""
    return _FACTS[code](args)


def answer_text(question: Question, answer: Answer) -> str:
    """Return an answer in one line."""
    parts = (question.choices.get(answer.choice, ""), answer.text)
    return ": ".join(part for part in parts if part)


def report(
    answers: Mapping[str, Answer], facts: Mapping[str, Iterable[str]], version: str, at: datetime
) -> str:
    """Return the whole checklist as plain text; ``facts`` are sentences by question."""
    done = sum(name in answers or name in facts for name in QUESTIONS)
    lines = [
        "crmlink: what one hour with a Commusoft account showed",
        f"crmlink {version}, {at:%d %b %Y}. {done} of {len(QUESTIONS)} questions.",
        "This text holds no data of customers or suppliers, and no credentials.",
    ]
    for part in PARTS:
        lines += ["", part.title.upper()]
        for question in part.questions:
            lines.append(f"- {question.title} [{question.id}]")
            if answer := answers.get(question.id):
                lines.append(f"  {answer_text(question, answer)}")
            lines += [f"  crmlink: {sentence}" for sentence in facts.get(question.id, ())]
            if question.id not in answers and question.id not in facts:
                lines.append("  (open)")
    return "\n".join(lines) + "\n"


def _shown(args: Args) -> str:
    parts = [f"{name} “{args[name]}”" for name in ("label", "selector") if args[name]] or [
        "its description is left out, as it may hold a name"
    ]
    return f"An admin showed the field: {', '.join(parts)}."


def _imported(args: Args) -> str:
    source = "a report" if args["source"] == "file" else "the list pages"
    return f"{args['count']:,} {args['kind']}s were read from {source}."


_FACTS: Mapping[str, Callable[[Args], str]] = {
    "api": lambda args: (
        f"API type {args['name']}, token in the {args['token']}; one customer is read at "
        f"{args['customer']}, one supplier at {args['supplier']}."
    ),
    "saved": lambda args: (
        f"{args['count']:,} {args['kind']} links were saved as {args['way']} in {args['field']}, "
        "and read again."
    ),
    "on-pages": lambda args: (
        f"{args['count']:,} {args['kind']} links were filled in on the page and seen there after "
        "Save."
    ),
    "shown": _shown,
    "imported": _imported,
}
