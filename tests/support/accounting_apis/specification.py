"""Requests and answers held against a published OpenAPI document."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # it ships no types
from flask import Request
from jsonschema import Draft202012Validator, FormatChecker

FOLDER = Path(__file__).parents[2] / "specifications"


@cache
def document(name: str) -> dict[str, Any]:
    """A published document, by its path in the folder of specifications."""
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return loaded


@cache
def _validator(name: str, schema: str) -> Draft202012Validator:
    root = {"$ref": f"#/components/schemas/{schema}", "components": document(name)["components"]}
    return Draft202012Validator(root, format_checker=FormatChecker(["uuid"]))


def check_answer(name: str, schema: str, answer: Any) -> None:
    """Raise ValidationError unless an answer is as the document has it."""
    _validator(name, schema).validate(answer)


def check_request(name: str, path: str, request: Request) -> None:
    """Fail unless the operation exists and knows every parameter with its type."""
    published = document(name)
    item = published["paths"][path]
    operation = item[request.method.lower()]
    named = (*item.get("parameters", ()), *operation.get("parameters", ()))
    parameters = [_resolved(published, each) for each in named]
    queries = {each["name"]: each["schema"] for each in parameters if each["in"] == "query"}
    for name_, value in request.args.items():
        assert name_ in queries, f"no such parameter: {name_}"
        if queries[name_]["type"] == "integer":
            assert value.isdigit(), name_
        if queries[name_]["type"] == "boolean":
            assert value in ("true", "false"), name_
    for each in parameters:
        if each["in"] == "header" and each.get("required"):
            assert request.headers.get(each["name"]), each["name"]


def _resolved(published: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in part:
        return part
    found: Any = published
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    resolved: dict[str, Any] = found
    return resolved
