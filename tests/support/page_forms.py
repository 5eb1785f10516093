"""The forms of a page as a browser without JavaScript would send them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from werkzeug.test import TestResponse


@dataclass
class PageForm:
    """One form: where it goes, what would be sent, and what each of its fields offers.

    ``options`` has a select's choices as value by label; ``buttons`` the values of each submit
    button by its words.
    """

    action: str
    values: dict[str, str] = field(default_factory=dict)
    options: dict[str, dict[str, str]] = field(default_factory=dict)
    buttons: dict[str, tuple[str, str, str]] = field(default_factory=dict)  # name, value, action

    def choose(self, name: str, label: str) -> None:
        """Choose an option of a select by its words."""
        self.values[name] = self.options[name][label]

    def chosen(self, name: str) -> str:
        """The words of the option that is chosen in a select."""
        return next(
            label for label, value in self.options[name].items() if value == self.values[name]
        )

    def press(self, words: str) -> tuple[str, dict[str, str]]:
        """Where a button sends the form, and with what; raises KeyError without such a button."""
        name, value, action = self.buttons[words]
        return action or self.action, self.values | ({name: value} if name else {})


def forms_on(reply: TestResponse) -> list[PageForm]:
    """The forms of a page, in its order."""
    parser = _Parser()
    parser.feed(reply.get_data(as_text=True))
    return parser.forms


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[PageForm] = []
        self._select = ""
        self._option: tuple[str | None, bool] | None = None
        self._button: tuple[str, str, str] | None = None
        self._words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        name = found.get("name", "")
        if tag == "form":
            self.forms.append(PageForm(found.get("action", "")))
        elif not self.forms:
            return
        elif tag == "input" and name and found.get("type") not in ("submit", "file"):
            if found.get("type") not in ("radio", "checkbox") or "checked" in found:
                self.forms[-1].values[name] = found.get("value", "")
        elif tag == "select":
            self._select = name
            self.forms[-1].options[name] = {}
        elif tag == "option" and self._select:
            self._option, self._words = (found.get("value"), "selected" in found), ""
        elif tag == "button" and "disabled" not in found:
            self._button = (name, found.get("value", ""), found.get("formaction", ""))
            self._words = ""

    def handle_data(self, data: str) -> None:
        self._words += data

    def handle_endtag(self, tag: str) -> None:
        if not self.forms:
            return
        form, words = self.forms[-1], " ".join(self._words.split())
        if tag == "option" and self._option:
            value, selected = self._option
            value = words if value is None else value
            form.options[self._select][words] = value
            if selected or self._select not in form.values:
                form.values[self._select] = value
            self._option = None
        elif tag == "select":
            self._select = ""
        elif tag == "button" and self._button:
            form.buttons[words] = self._button
            self._button = None
