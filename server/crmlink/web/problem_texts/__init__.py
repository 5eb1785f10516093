"""The status, title and sentence of every problem, by its code."""

from crmlink.web.problem_texts import access, commusoft, links, lists, requests, sources

PROBLEMS: dict[str, tuple[int, str, str]] = (
    requests.TEXTS | access.TEXTS | links.TEXTS | lists.TEXTS | commusoft.TEXTS | sources.TEXTS
)
