"""Flask applications made quickly: most tests open one, and ask it for a page or two.

Werkzeug compiles two functions for each rule, to build its URL, Jinja each template again for each
application, and flask-smorest describes the whole API. Here a function is compiled when a URL is
first built, the code of a template is kept for all applications of the process, and the API is
described when its description is read.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from apispec import APISpec
from flask import Flask
from flask_smorest import Blueprint
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

from crmlink.pages.blueprint import blueprint as pages
from crmlink.web.openapi import ProblemApi

Builder = Callable[..., tuple[str, str]]
_compile_now = Rule._compile_builder
_describe_problems = ProblemApi._register_responses
_describe_views = Blueprint.register_views_in_doc
_read_now = APISpec.to_dict
_UNDESCRIBED = "_undescribed"  # attribute of a description: what is still to be added to it


class _InMemory(BytecodeCache):
    """Code of templates by name and file; Jinja compares its checksum with the source."""

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


def compile_templates() -> None:
    """Compile all templates of the pages, for processes that are copies of this one."""
    app = Flask("crmlink.app", template_folder="pages/templates")
    app.register_blueprint(pages)
    for name in app.jinja_env.list_templates():
        app.jinja_env.get_template(name)


def make_apps_quickly() -> None:
    """Let all applications that are made from now on be made quickly."""
    Rule._compile_builder = _compile_later  # type: ignore[method-assign, assignment]
    Flask.jinja_options = {"bytecode_cache": _InMemory()}
    ProblemApi._register_responses = _describe_problems_later  # type: ignore[method-assign, assignment]
    Blueprint.register_views_in_doc = _describe_views_later
    APISpec.to_dict = _read_description  # type: ignore[method-assign, assignment]


def _compile_later(rule: Rule, append_unknown: bool = True) -> Builder:
    compiled: list[Builder] = []

    def build(rule: Rule, *args: Any, **values: Any) -> tuple[str, str]:
        if not compiled:
            compiled.append(_compile_now(rule, append_unknown))
        return compiled[0](rule, *args, **values)

    return build


def _describe_problems_later(api: ProblemApi) -> None:
    _describe_later(api.spec, partial(_describe_problems, api))


def _describe_views_later(
    blueprint: Blueprint, api: ProblemApi, app: Flask, spec: APISpec, **options: Any
) -> None:
    _describe_later(spec, partial(_describe_views, blueprint, api, app, spec, **options))


def _describe_later(spec: APISpec, describe: Callable[[], None]) -> None:
    vars(spec).setdefault(_UNDESCRIBED, []).append(describe)


def _read_description(spec: APISpec) -> Any:
    for describe in vars(spec).pop(_UNDESCRIBED, []):
        describe()
    return _read_now(spec)
