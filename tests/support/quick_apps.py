"""Flask applications made quickly: most tests open one, and ask it for a page or two.

Werkzeug compiles two functions for each rule, to build its URL, and Jinja each template again for
each application. Here a function is compiled when a URL is first built, and the code of a template
is kept for all applications of the process.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

Builder = Callable[..., tuple[str, str]]
_compile_now = Rule._compile_builder


class _InMemory(BytecodeCache):
    """Code of templates by name and file; Jinja compares its checksum with the source."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


def make_apps_quickly() -> None:
    """Let all applications that are made from now on be made quickly."""
    Rule._compile_builder = _compile_later  # type: ignore[method-assign, assignment]
    Flask.jinja_options = {"bytecode_cache": _InMemory()}


def _compile_later(rule: Rule, append_unknown: bool = True) -> Builder:
    compiled: list[Builder] = []

    def build(rule: Rule, *args: Any, **values: Any) -> tuple[str, str]:
        if not compiled:
            compiled.append(_compile_now(rule, append_unknown))
        return compiled[0](rule, *args, **values)

    return build
