"""What an admin showed crmlink of a Commusoft page keeps no name of a record, erased or not."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from crmlink.access.audit.check import verify_audit
from crmlink.access.context import Actor
from crmlink.access.personal_data.subject import erase
from crmlink.installation import Installation
from crmlink.linking.audit import record_audit
from crmlink.linking.context import WorkspaceContext
from crmlink.linking.errors import InvalidRecordField
from crmlink.linking.records.fields import ShownField, record_fields, show_field
from crmlink.store import RecordField
from support.erasing import EMAIL, NAME, where_kept


def field(ctx: WorkspaceContext, label: str, selector: str = "#ref") -> ShownField:
    return ShownField("customer", urlsplit(ctx.commusoft.web_url).netloc, selector, label)


def kept_by_an_older_version(ctx: WorkspaceContext, device_id: int) -> None:
    shown = field(ctx, f"Reference of {NAME}", 'input[name="ref"]').as_dict()
    with ctx.database.writing() as session:
        session.add(
            RecordField(
                workspace_id=ctx.workspace_id, device_id=device_id, **shown | {"section": NAME}
            )
        )
        record_audit(
            session, ctx.workspace_id, device_id, "record_field.shown", "customer",
            **{name: shown[name] for name in ("host", "selector", "label")},
        )  # fmt: skip


def test_erasing_reaches_a_field_whose_label_holds_the_name(
    installation: Installation, actor: Actor
) -> None:
    ctx = installation.workspace
    kept_by_an_older_version(ctx, actor.device.id)
    assert {"record_field.label", "audit_entry.details"} <= set(where_kept(installation, NAME))
    erase(installation.access, actor, EMAIL)
    assert where_kept(installation, NAME, EMAIL) == []
    assert record_fields(ctx) == []
    verdict = verify_audit(installation.database, ctx.workspace_id)
    assert verdict.findings == ()


def test_a_field_of_another_label_stays(installation: Installation, actor: Actor) -> None:
    ctx = installation.workspace
    show_field(ctx, field(ctx, "Our reference"), actor.device.id)
    erase(installation.access, actor, EMAIL)
    assert [each.label for each in record_fields(ctx)] == ["Our reference"]


@pytest.mark.parametrize("erased", [False, True])
@pytest.mark.parametrize("label", [NAME, f"ref. ({NAME.upper()})", f"Reference of {NAME}:", EMAIL])
def test_a_label_that_holds_a_records_name_is_not_kept(
    installation: Installation, actor: Actor, label: str, erased: bool
) -> None:
    ctx = installation.workspace
    if erased:
        erase(installation.access, actor, EMAIL)
    before = where_kept(installation, NAME, EMAIL)
    with pytest.raises(InvalidRecordField):
        show_field(ctx, field(ctx, label), actor.device.id)
    assert where_kept(installation, NAME, EMAIL) == before
    assert record_fields(ctx) == []


@pytest.mark.parametrize("selector", [f'input[name="{NAME}"]', f'[title="{EMAIL}"]'])
def test_a_selector_holds_names_of_the_pages_code_alone(
    installation: Installation, actor: Actor, selector: str
) -> None:
    ctx = installation.workspace
    with pytest.raises(InvalidRecordField):
        show_field(ctx, field(ctx, "Our reference", selector), actor.device.id)
    show_field(
        ctx, field(ctx, "Our reference", 'input[ng-model="vm.data.ext_ref"]'), actor.device.id
    )


def test_the_audit_keeps_no_text_of_the_page(installation: Installation, actor: Actor) -> None:
    ctx = installation.workspace
    show_field(ctx, field(ctx, "An unusual label"), actor.device.id)
    assert where_kept(installation, "unusual label") == ["record_field.label"]
