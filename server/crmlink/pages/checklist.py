"""/commusoft/checklist: what one hour with a real account settles, to go through and to send."""

from __future__ import annotations

from flask import Response as Download
from flask import abort, render_template
from werkzeug.wrappers import Response

from crmlink.commusoft.checklist.answers import Answer, AnswerRefused
from crmlink.commusoft.checklist.questions import PARTS, QUESTIONS
from crmlink.commusoft.checklist.report import refusal_text
from crmlink.linking.checklist import answer_question, read_checklist
from crmlink.pages.blueprint import blueprint, redirect_to
from crmlink.pages.forms import Form, sent
from crmlink.web.auth import current_actor, current_workspace, require_permission

REPORT_FILE = "crmlink-commusoft-checklist.txt"


@blueprint.get("/commusoft/checklist")
@require_permission("admin")
def checklist() -> str:
    """Show the questions with their answers, and the report."""
    return _page()


@blueprint.post("/commusoft/checklist/<question>")
@require_permission("admin")
def answer_checklist(question: str) -> Response | tuple[str, int]:
    """Store the answer to one question; an empty one deletes it."""
    if question not in QUESTIONS:
        abort(404)
    form = sent("choice", "text")
    answer = Answer(form.values["choice"], form.values["text"])
    try:
        answer_question(current_workspace(), question, answer, current_actor().device.id)
    except AnswerRefused as refused:
        form.errors[question] = refusal_text(refused.code)
        return _page(form, question), 422
    return redirect_to("pages.checklist", _anchor=f"after-{question}")


@blueprint.get("/commusoft/checklist/report")
@require_permission("admin")
def checklist_report() -> Download:
    """Download the report."""
    file = Download(read_checklist(current_workspace()).report, mimetype="text/plain")
    file.headers["Content-Disposition"] = f'attachment; filename="{REPORT_FILE}"'
    return file


def _page(form: Form | None = None, refused: str = "") -> str:
    kept = read_checklist(current_workspace())
    return render_template(
        "checklist.html",
        parts=PARTS,
        kept=kept,
        total=len(QUESTIONS),
        form=form or Form(),
        refused=refused,
    )
