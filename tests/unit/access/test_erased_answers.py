"""An erased person is in no answer of Commusoft's checklist, whenever the answer was typed."""

from __future__ import annotations

import pytest

from crmlink.access.context import Actor
from crmlink.access.personal_data.subject import erase
from crmlink.commusoft.checklist.answers import Answer
from crmlink.installation import Installation
from crmlink.linking.checklist import answer_question, read_checklist
from crmlink.store import ChecklistAnswer
from support.erasing import EMAIL, NAME, where_kept


def typed_before_the_record_was_read(installation: Installation, actor: Actor, text: str) -> None:
    """Store an answer that named no record when it was typed."""
    ctx = installation.workspace
    with ctx.database.writing() as session:
        session.add(
            ChecklistAnswer(
                workspace_id=ctx.workspace_id, question="label_customer", choice="other",
                text=text, device_id=actor.device.id,
            )
        )  # fmt: skip


@pytest.mark.parametrize("text", [NAME, f"next to {NAME.upper()}", f"/customer/{NAME}/notes"])
def test_erasing_reaches_an_answer_that_was_typed_before_the_record_was_read(
    installation: Installation, actor: Actor, text: str
) -> None:
    typed_before_the_record_was_read(installation, actor, text)
    answer_question(
        installation.workspace, "label_supplier", Answer("", "Our code"), actor.device.id
    )
    assert "checklist_answer.text" in where_kept(installation, NAME)
    erase(installation.access, actor, EMAIL)
    assert where_kept(installation, NAME, EMAIL) == []
    assert list(read_checklist(installation.workspace).answers) == ["label_supplier"]


def test_a_report_leaves_out_an_answer_that_names_a_record_by_now(
    installation: Installation, actor: Actor
) -> None:
    typed_before_the_record_was_read(installation, actor, NAME)
    report = read_checklist(installation.workspace).report
    assert NAME not in report
    assert "left out" in report
