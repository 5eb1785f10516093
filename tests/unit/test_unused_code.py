"""No function, class or import of the server is left over that nothing uses."""

from pathlib import Path

import pytest
import vulture

import crmlink

KINDS = {"class", "function", "import", "method", "property"}
DECORATORS = [
    "@*.route", "@*.get", "@*.post", "@*.put", "@*.patch", "@*.delete", "@*.errorhandler",
    "@*.before_request", "@*.after_request",
    "@*.teardown_request", "@*.app_context_processor", "@*.app_template_filter",
    "@*.command", "@*.group", "@event.listens_for", "@post_load", "@pre_load", "@validates*",
]  # fmt: skip
CALLED_BY = {
    "_get_size": "openpyxl", "read_worksheets": "openpyxl", "read_strings": "openpyxl",
    "patch": "Flask, for the HTTP method",
    "load_json": "webargs", "Meta": "marshmallow",
    "RowTwinSchema": "marshmallow, by its name", "handle_http_exception": "flask-smorest",
    "_register_responses": "flask-smorest", "get_cookie_secure": "Flask",
    "handleError": "logging", "process_bind_param": "SQLAlchemy",
    "process_result_value": "SQLAlchemy", "is_revoked": "huey",
    "load_config": "gunicorn", "load": "gunicorn", "setup": "gunicorn",
    "base_exceptions": "limits", "get_expiry": "limits",
    "_set_signal_handlers": "huey", "maintenance": "waitress",
    "getfile": "waitress",
    "first_error_field": "a template", "has_next": "a template", "narrowed": "a template",
    "_get_socket": "smtplib", "needs_warning": "a template", "late": "a template",
    "aria": "a template", "toggled": "a template", "height": "a template", "__lt__": "sorted",
    "acquire_entry": "limits",
    "get_moving_window": "limits",
    "Reader": "mypy, in a quoted annotation",
}  # fmt: skip


def _unused(*more: Path) -> dict[str, str]:
    found = vulture.Vulture(ignore_decorators=DECORATORS)
    found.scavenge([str(Path(crmlink.__file__).parent), *map(str, more)], ["*/migrations/*"])
    return {
        item.name: f"{item.filename}:{item.first_lineno}"
        for item in found.get_unused_code(min_confidence=60)
        if item.typ in KINDS
    }


def test_nothing_is_left_over_but_what_libraries_call() -> None:
    found = _unused()
    assert {name: place for name, place in found.items() if name not in CALLED_BY} == {}
    assert [name for name in CALLED_BY if name not in found] == [], "used after all: take it out"


@pytest.mark.slow
def test_what_nothing_uses_is_found(tmp_path: Path) -> None:
    (tmp_path / "left_over.py").write_text("def of_no_use_to_anybody():\n    return 1\n")
    assert "of_no_use_to_anybody" in _unused(tmp_path)
