"""When a firm was last used, as its operator sees it: on the pages, by a browser or by a script."""

from __future__ import annotations

from crmlink.access.sessions import create_session
from crmlink.access.workspaces import list_figures
from crmlink.installation import Installation
from crmlink.store import Device
from support.access_factories import make_person


def test_a_firm_whose_people_only_look_at_pages_counts_as_used(installation: Installation) -> None:
    def last_used() -> object:
        return list_figures(installation.sign_in)[0].last_used_at

    assert last_used() is None
    person = make_person(installation.access)
    create_session(installation.access, person, "127.0.0.1", "A test")
    seen = last_used()
    assert seen
    with installation.database.writing() as session:
        device = session.query(Device).first()
        assert device
        device.last_used_at = moment = seen.replace(year=seen.year + 1)  # type: ignore[attr-defined] # a time
    assert last_used() == moment
