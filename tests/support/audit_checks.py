"""An audit for tests: filled, opened again, and what is found wrong with it."""

from __future__ import annotations

from dataclasses import replace

from crmlink.access.audit.check import verify_audit
from crmlink.access.audit.findings import Code, Verdict
from crmlink.access.context import AccessContext, Actor, record_audit
from crmlink.installation import open_database
from crmlink.settings import Settings

LINES = 20
KEY, OTHER_KEY = "k" * 48, "another secret key, of 40 letters or more"


def fill(access: AccessContext, server: Actor, lines: int = LINES) -> None:
    for number in range(lines):
        with access.database.writing() as session:
            record_audit(session, access, server, "link.linked", f"customer-{number}", new="R")


def check(access: AccessContext) -> Verdict:
    return verify_audit(access.database, access.workspace_id)


def codes(access: AccessContext) -> list[Code]:
    verdict = check(access)
    return [
        *(finding.code for finding in verdict.findings),
        *(code for noted in verdict.noted for code in noted.codes),
    ]


def restarted(access: AccessContext, secret_key: str = KEY) -> AccessContext:
    """The same installation, opened again by another process."""
    folder = access.database.audit_signer.anchors.path.parent
    url = access.database.engine.url.render_as_string(hide_password=False)
    database = open_database(Settings(folder, url, secret_key))
    return replace(access, database=database, secret_key=secret_key)
