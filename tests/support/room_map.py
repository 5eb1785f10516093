"""The picture of the rooms in `docs/architecture.md`, drawn from the imports as Mermaid text.

`python -m support.room_map` (in `tests/`) writes it anew; a test keeps page and imports the same.
"""

from __future__ import annotations

import re
from pathlib import Path

import grimp

PAGE = Path(__file__).resolve().parents[2] / "docs" / "architecture.md"
BEGIN, END = "<!-- rooms: drawn from the imports -->\n", "<!-- end of rooms -->"

Edges = dict[str, set[str]]


def room_imports() -> Edges:
    """Return which rooms (folders and top-level modules) of the server each room imports."""
    graph = grimp.build_graph("crmlink")
    rooms = {module.split(".")[1] for module in graph.modules if "." in module}
    folders = {room for room in rooms if graph.find_children(f"crmlink.{room}")}
    shown = folders | {"app", "worker", "installation"}
    edges: Edges = {room: set() for room in shown}
    for module in graph.modules - {"crmlink"}:
        for imported in graph.find_modules_directly_imported_by(module) - {"crmlink"}:
            importer, room = module.split(".")[1], imported.split(".")[1]
            if importer != room and importer in shown and room in shown:
                edges[importer].add(room)
    return edges


def without_shortcuts(edges: Edges) -> Edges:
    """Leave out each arrow that a longer way shows already."""
    return {
        room: {
            target
            for target in targets
            if not any(target in _reached(edges, other) for other in targets - {target})
        }
        for room, targets in edges.items()
    }


def _reached(edges: Edges, start: str) -> set[str]:
    seen: set[str] = set()
    todo = [start]
    while todo:
        for target in edges[todo.pop()] - seen:
            seen.add(target)
            todo.append(target)
    return seen


def mermaid() -> str:
    """Return the picture as a Mermaid block."""
    edges = without_shortcuts(room_imports())
    arrows = [f"  {room} --> {target}" for room in sorted(edges) for target in sorted(edges[room])]
    return "\n".join(["```mermaid", "graph TD", *arrows, "```", ""])


def drawn(page: str) -> str:
    """Return the page with the picture as the imports have it now."""
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    return pattern.sub(lambda _: BEGIN + mermaid() + END, page)


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
