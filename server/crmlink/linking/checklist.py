"""The checklist of one workspace: its answers, and what crmlink found out itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from sqlalchemy import delete, func, select

from crmlink.commusoft.checklist.answers import Answer, AnswerRefused, read_text, require_impersonal
from crmlink.commusoft.checklist.questions import QUESTIONS
from crmlink.commusoft.checklist.report import LEFT_OUT, fact_text, report
from crmlink.commusoft.dialect import Dialect
from crmlink.kinds import KINDS, Kind
from crmlink.linking.audit import record_audit
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.records.fields import names_someone, record_fields
from crmlink.linking.records.imports import latest_imports
from crmlink.store import (
    ChecklistAnswer,
    Link,
    LinkMethod,
    LinkState,
    WorkspaceConnection,
)
from crmlink.store.base import utc_now

NOT_WORDS = re.compile(r"[\W_]+")  # a path has names between slashes and dashes


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that crmlink found out about the account in use, for one question.

    Neither a customer's data nor the account's: only names of fields, paths and counts.
    """

    question: str
    code: str
    args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checklist:
    """Answers and facts, by question."""

    answers: dict[str, ChecklistAnswer]
    facts: dict[str, list[Fact]]
    naming: frozenset[str] = frozenset()  # questions whose answer names a record read since

    @property
    def done(self) -> int:
        """How many questions have an answer, or a fact instead."""
        return sum(self.is_done(question) for question in QUESTIONS)

    def is_done(self, question: str) -> bool:
        """Return whether a question needs nothing more."""
        return question in self.answers or question in self.facts

    @property
    def sentences(self) -> dict[str, list[str]]:
        """The facts in words, by question."""
        return {
            question: [fact_text(fact.code, fact.args) for fact in facts]
            for question, facts in self.facts.items()
        }

    @property
    def report(self) -> str:
        """The whole checklist as plain text, without any customer's data."""
        answers = {
            name: Answer(row.choice, LEFT_OUT if name in self.naming else row.text)
            for name, row in self.answers.items()
        }
        return report(answers, self.sentences, version("crmlink"), utc_now())


def read_checklist(ctx: WorkspaceContext) -> Checklist:
    """Return the workspace's answers, and the facts of the connection in use."""
    query = select(ChecklistAnswer).filter_by(workspace_id=ctx.workspace_id)
    with ctx.database.reading() as session:
        answers = {row.question: row for row in session.scalars(query)}
    facts: dict[str, list[Fact]] = {}
    if not ctx.uses_sandbox:  # practice data shows nothing of Commusoft
        for fact in (*_of_api(ctx), *_of_pages(ctx), *_of_imports(ctx)):
            facts.setdefault(fact.question, []).append(fact)
    known = {name: row for name, row in answers.items() if name in QUESTIONS}
    naming = {name for name, row in known.items() if not _is_impersonal(ctx, row.text)}
    return Checklist(known, facts, frozenset(naming))


def answer_question(ctx: WorkspaceContext, question_id: str, answer: Answer, by: int) -> None:
    """Store an answer, or delete it if it is empty. Raises AnswerRefused or KeyError."""
    question = QUESTIONS[question_id]
    if answer.choice and answer.choice not in question.choices:
        raise AnswerRefused("choice")
    answer = Answer(answer.choice, read_text(question.text, answer.text))
    _require_impersonal(ctx, answer.text)
    with ctx.database.writing() as session:
        row = session.scalar(
            select(ChecklistAnswer).filter_by(workspace_id=ctx.workspace_id, question=question_id)
        )
        before = Answer(row.choice, row.text) if row else Answer()
        if answer == before:
            return
        session.execute(
            delete(ChecklistAnswer).filter_by(workspace_id=ctx.workspace_id, question=question_id)
        )
        if answer:
            session.add(
                ChecklistAnswer(
                    workspace_id=ctx.workspace_id,
                    question=question_id,
                    choice=answer.choice,
                    text=answer.text,
                    device_id=by,
                )
            )
        # Entries cannot be changed, so they have no typed text.
        record_audit(
            session, ctx.workspace_id, by, "checklist.answered", question_id,
            changed={"choice": [before.choice, answer.choice]},
        )  # fmt: skip


def _is_impersonal(ctx: WorkspaceContext, text: str) -> bool:
    try:
        _require_impersonal(ctx, text)
    except AnswerRefused:
        return False
    return True


def _require_impersonal(ctx: WorkspaceContext, text: str) -> None:
    """Raise AnswerRefused if a text may hold data of a customer."""
    require_impersonal(text)
    with ctx.database.reading() as session:
        texts = [NOT_WORDS.sub(" ", part) for part in text.split(",") if part]
        if names_someone(session, ctx, *texts):
            raise AnswerRefused("name")


def _of_api(ctx: WorkspaceContext) -> Iterator[Fact]:
    if not ctx.has_api:
        return
    with ctx.database.reading() as session:
        stored = session.get_one(WorkspaceConnection, ctx.connection_id).dialect
    if stored is None:
        return
    dialect = Dialect.from_dict(stored)
    read = {kind: dialect.ways(kind).record_path for kind in KINDS}
    yield Fact(
        "api_reading", "api", {"name": dialect.name, "token": dialect.token_place or "?"} | read
    )
    linked = _linked(ctx, LinkMethod.API)
    for kind in KINDS:
        if linked[kind]:
            writing = dialect.ways(kind).writing
            args = {"kind": kind, "count": linked[kind], "way": writing.name}
            yield Fact("api_saving", "saved", args | {"field": writing.reference})


def _of_pages(ctx: WorkspaceContext) -> Iterator[Fact]:
    linked = _linked(ctx, LinkMethod.PAGES)
    for kind in KINDS:
        if linked[kind]:
            yield Fact(f"label_{kind}", "on-pages", {"kind": kind, "count": linked[kind]})
    for shown in record_fields(ctx):
        args = {"label": shown.label, "selector": shown.selector}
        safe = {name: text if _is_impersonal(ctx, text) else "" for name, text in args.items()}
        yield Fact(f"label_{shown.kind}", "shown", safe)


def _of_imports(ctx: WorkspaceContext) -> Iterator[Fact]:
    if ctx.has_api:
        return
    for kind, latest in latest_imports(ctx).items():
        count = latest.customers if kind == "customer" else latest.suppliers
        args = {"kind": kind, "count": count, "source": latest.source.value}
        yield Fact(f"report_{kind}s", "imported", args)


def _linked(ctx: WorkspaceContext, method: LinkMethod) -> dict[Kind, int]:
    """Return how many links of a method are in effect, or were, of each kind."""
    query = (
        select(Link.kind, func.count())
        .filter_by(connection_id=ctx.connection_id, method=method, undoes_id=None)
        .where(Link.state.in_((LinkState.LINKED, LinkState.UNDONE)))
        .group_by(Link.kind)
    )
    with ctx.database.reading() as session:
        counts = dict(session.execute(query).all())
    return {kind: counts.get(kind, 0) for kind in KINDS}
