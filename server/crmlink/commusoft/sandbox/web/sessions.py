"""Sessions of the sandbox's web application, in memory: a restart ends them all."""

import hmac
import secrets
import threading

COOKIE = "sandbox_session"


class WebSessions:
    """The sessions that are signed in; thread-safe."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._form_tokens: dict[str, str] = {}

    def start(self) -> str:
        """Return the cookie of a new session."""
        cookie = secrets.token_urlsafe(24)
        with self._guard:
            self._form_tokens[cookie] = secrets.token_urlsafe(24)
        return cookie

    def form_token(self, cookie: str | None) -> str | None:
        """Return the token that the session's forms must send; None for no session."""
        with self._guard:
            return self._form_tokens.get(cookie or "")

    def accepts(self, cookie: str | None, token: str | None) -> bool:
        """Return whether a form with this token comes from a page of the session."""
        expected = self.form_token(cookie)
        return expected is not None and hmac.compare_digest(
            expected.encode(), (token or "").encode()
        )

    def end(self, cookie: str | None) -> None:
        """End one session."""
        with self._guard:
            self._form_tokens.pop(cookie or "", None)

    def clear(self) -> None:
        """End every session."""
        with self._guard:
            self._form_tokens.clear()
