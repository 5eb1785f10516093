"""The overview: how much is linked, and what waits."""

from __future__ import annotations

import pytest
from flask import Flask

from crmlink.commusoft.errors import CommusoftUnreachable
from crmlink.installation import House
from crmlink.reports.link_health import shares
from crmlink.store import MirroredRecord
from support.access_factories import make_person
from support.page_client import Visitor, visit_as
from support.sandbox import Playing


def test_the_page_tells_an_admin_all_of_it_and_a_clerk_what_concerns_a_clerk(
    admin: Visitor, clerk: Visitor, house: House
) -> None:
    both = ("Conflicts", "Failed links", "Links without an outcome yet", "Lists kept as drafts")
    admins = ("Browsers that wait for you", "Tokens that end soon")
    for_admin, for_clerk = admin.read("/"), clerk.read("/")
    assert all(words in for_admin for words in both + admins)
    assert all(words in for_clerk for words in both)
    assert not any(words in for_clerk for words in admins)
    customer = shares(house.desk)[0]
    assert f"{customer.linked} of {customer.of}" in for_admin
    assert f"{customer.by_crmlink} by crmlink" in for_admin


def test_a_commusoft_that_does_not_answer_is_said(
    admin: Visitor, house: House, sandbox: Playing
) -> None:
    assert "cannot be reached" not in admin.read("/")
    sandbox.stop()
    with pytest.raises(CommusoftUnreachable):
        house.desk.commusoft.record("customer", "1001")
    assert "Commusoft cannot be reached" in admin.read("/")
    assert "Commusoft cannot be reached" in admin.read("/commusoft")


def test_an_empty_house_says_what_to_do_next(app: Flask, house: House) -> None:
    with house.database.writing() as session:
        session.query(MirroredRecord).delete()
    visitor = visit_as(app, house, make_person(house.office))
    page = visitor.read("/")
    assert "No links yet" in page
    assert "Nothing waits for you" in page
    assert "No customer is known yet" in page
    assert "No records yet" in visitor.read("/records")
    assert "Four steps lead to the first one" in visitor.read("/links")
