"""A real OpenID Connect provider in a process of its own, and a person who logs in there."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin

import requests

SECRET = "marked-oidc-secret-7c41"
RETURN_TO = "http://localhost/log-in"
HERE = Path(__file__).parent
FORM = re.compile(r'<form[^>]* action="([^"]+)"')
CANCEL = re.compile(r'<a href="([^"]+/abort)"')


@contextmanager
def running_provider(*return_to: str) -> Iterator[str]:
    """A provider's issuer while it runs."""
    with subprocess.Popen(
        ["node", "provider.mjs", RETURN_TO, *return_to],
        cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True,
    ) as process:  # fmt: skip
        assert process.stdout
        issuer = process.stdout.readline().strip()
        try:
            assert issuer.startswith("http://127.0.0.1:")
            yield issuer
        finally:
            process.kill()


def log_in_there(url: str, name: str, *, consent: bool = True) -> str:
    """What a person does at the provider's pages; returns the address they are sent back to."""
    with requests.Session() as browser:
        page = browser.get(url, timeout=10)
        if not consent:
            cancelled = CANCEL.search(page.text)
            assert cancelled
            return _sent_back(browser, browser.get(cancelled[1], timeout=10, allow_redirects=False))
        form = {"prompt": "login", "login": name, "password": "any"}
        page = browser.post(_action(page), data=form, timeout=10)
        reply = browser.post(
            _action(page), data={"prompt": "consent"}, timeout=10, allow_redirects=False
        )
        return _sent_back(browser, reply)


def _action(page: requests.Response) -> str:
    found = FORM.search(page.text)
    assert found, page.text
    return str(urljoin(page.url, found[1]))


def _sent_back(browser: requests.Session, reply: requests.Response) -> str:
    """Follow the provider's redirects as far as they stay there."""
    for _ in range(5):
        address: str = urljoin(reply.url, reply.headers["Location"])
        if address.startswith(RETURN_TO):
            return address
        reply = browser.get(address, timeout=10, allow_redirects=False)
    raise AssertionError("the provider sends nobody back")
