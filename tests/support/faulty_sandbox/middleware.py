"""The layer around the sandbox that plays its faults, down to the socket."""

import json
import select
import socket
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from waitress.channel import ClientDisconnected
from werkzeug.test import run_wsgi_app

from crmlink.commusoft.transport import SANDBOX_HEADER
from support.faulty_sandbox.faults import Fault, FaultRegistry

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Wsgi = Callable[[Environ, StartResponse], Iterable[bytes]]
Play = Callable[[Fault, "_Request"], Iterable[bytes]]

STALE = "crmlink.stale"
DROPPED = "crmlink.dropped"
_LOGIN = b"""<!doctype html><html lang="en"><title>Log in</title><h1>Please log in</h1>
<form method="post"><input name="username"><input name="password" type="password"></form></html>"""
_BAD_GATEWAY = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


class FaultMiddleware:
    """A WSGI application around another: plays faults on requests below `prefixes`."""

    def __init__(self, inner: Wsgi, faults: FaultRegistry, prefixes: tuple[str, ...]) -> None:
        self._inner = inner
        self._faults = faults
        self._prefixes = prefixes

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        below = next((path[len(one) :] for one in self._prefixes if path.startswith(f"{one}/")), "")
        fault = self._faults.take_match(environ["REQUEST_METHOD"], below) if below else None
        request = _Request(self._inner, environ, start_response)
        return _PLAYS[fault.fault](fault, request) if fault else request.carry_out()


class _Request:
    """One request in the hands of a fault."""

    def __init__(self, inner: Wsgi, environ: Environ, start_response: StartResponse) -> None:
        self._inner = inner
        self.environ = environ
        self._start_response = start_response

    def carry_out(self) -> Iterable[bytes]:
        return self._inner(self.environ, self._start_response)

    def answer(self) -> tuple[str, dict[str, str], bytes]:
        """The right answer, whole: its status, headers and body."""
        pieces, status, headers = run_wsgi_app(self._inner, self.environ, buffered=True)
        return status, dict(headers), b"".join(pieces)

    def reply(
        self, status: str, headers: Mapping[str, str], body: Iterable[bytes]
    ) -> Iterable[bytes]:
        self._start_response(status, list(({SANDBOX_HEADER: "crmlink"} | dict(headers)).items()))
        return body

    def page(self, status: str, kind: str, body: bytes, **more: str) -> Iterable[bytes]:
        headers = {"Content-Type": kind, "Content-Length": str(len(body)), **more}
        return self.reply(status, headers, [body])

    def socket(self) -> socket.socket | None:
        """The connection itself, where the server lets it be found."""
        if "werkzeug.socket" in self.environ:
            return self.environ["werkzeug.socket"]  # type: ignore[no-any-return]
        check = self.environ.get("waitress.client_disconnected")
        return getattr(getattr(check, "__self__", None), "socket", None)

    def hang_up(self) -> Exception:
        """What to raise so that the server closes the connection and says nothing more."""
        waitress = "waitress.client_disconnected" in self.environ
        return ClientDisconnected() if waitress else ConnectionResetError()

    def client_left(self) -> bool:
        sock = self.socket()
        if sock is None or not select.select([sock], [], [], 0)[0]:
            return False
        return sock.recv(1, socket.MSG_PEEK) == b""


def _wait(fault: Fault, request: _Request, seconds: float) -> None:
    """Wait so long, but no longer than the fault is active and someone listens."""
    waited = 0.0
    while waited < seconds and not request.client_left():
        step = min(0.05, seconds - waited)
        if fault.released.wait(step):
            return
        waited += step


def _latency(fault: Fault, request: _Request) -> Iterable[bytes]:
    _wait(fault, request, fault.pause)
    return request.carry_out()


def _timeout(fault: Fault, request: _Request) -> Iterable[bytes]:
    if fault.done:
        request.answer()
    _wait(fault, request, fault.pause)
    raise request.hang_up()


def _reset(fault: Fault, request: _Request) -> Iterable[bytes]:
    if fault.done or fault.fault == "lost":
        request.answer()
    if (sock := request.socket()) is not None:
        # Closed with this option the connection is reset, not ended.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise request.hang_up()


def _status(fault: Fault, request: _Request) -> Iterable[bytes]:
    if fault.done:
        request.answer()
    more = {"Retry-After": fault.retry_after} if fault.retry_after else {}
    if fault.status == 502:
        return request.page("502 Bad Gateway", "text/html", _BAD_GATEWAY, **more)
    body = json.dumps({"message": "A fault that was asked for", "code": fault.status}).encode()
    return request.page(f"{fault.status} Fault", "application/json", body, **more)


def _html(fault: Fault, request: _Request) -> Iterable[bytes]:
    if fault.done:
        request.answer()
    return request.page("200 OK", "text/html; charset=utf-8", _LOGIN)


def _empty(fault: Fault, request: _Request) -> Iterable[bytes]:
    if fault.done:
        request.answer()
    return request.page("200 OK", "application/json", b"")


def _truncated(_: Fault, request: _Request) -> Iterable[bytes]:
    status, _headers, body = request.answer()
    return request.page(status, "application/json", body[: len(body) // 2])


def _broken_off(_: Fault, request: _Request) -> Iterable[bytes]:
    status, headers, body = request.answer()

    def pieces() -> Iterator[bytes]:
        yield body[: len(body) // 2]
        raise request.hang_up()

    return request.reply(status, headers | {"Content-Length": str(len(body))}, pieces())


def _wrong_type(_: Fault, request: _Request) -> Iterable[bytes]:
    status, _headers, body = request.answer()
    return request.page(status, "application/octet-stream", body)


def _stale(_: Fault, request: _Request) -> Iterable[bytes]:
    request.environ[STALE] = True
    return request.carry_out()


def _dropped(fault: Fault, request: _Request) -> Iterable[bytes]:
    request.environ[DROPPED] = fault.field
    return request.carry_out()


def _large(fault: Fault, request: _Request) -> Iterable[bytes]:
    status, headers, body = request.answer()
    piece = b" " * 65536

    def pieces() -> Iterator[bytes]:
        yield body
        for _ in range(fault.size // len(piece)):
            yield piece

    headers.pop("Content-Length", None)
    return request.reply(status, headers, pieces())


def _drip(fault: Fault, request: _Request) -> Iterable[bytes]:
    status, headers, body = request.answer()

    def pieces() -> Iterator[bytes]:
        for byte in body:
            yield bytes([byte])
            _wait(fault, request, fault.pause)
            if request.client_left():
                raise request.hang_up()

    return request.reply(status, headers, pieces())


def _drip_headers(fault: Fault, request: _Request) -> Iterable[bytes]:
    status, headers, body = request.answer()
    head = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items())]
    whole = "\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode() + body
    sock = request.socket()
    for byte in whole:
        if sock is None or request.client_left():
            break
        sock.send(bytes([byte]))
        _wait(fault, request, fault.pause)
    raise request.hang_up()


def _redirect(fault: Fault, request: _Request) -> Iterable[bytes]:
    if fault.done:
        request.answer()
    return request.page("302 Found", "text/html", b"", Location=fault.location)


_PLAYS: Mapping[str, Play] = {
    "latency": _latency,
    "timeout": _timeout,
    "reset": _reset,
    "lost": _reset,
    "status": _status,
    "html": _html,
    "empty": _empty,
    "truncated": _truncated,
    "broken-off": _broken_off,
    "wrong-type": _wrong_type,
    "stale": _stale,
    "dropped": _dropped,
    "large": _large,
    "drip": _drip,
    "drip-headers": _drip_headers,
    "redirect": _redirect,
}
