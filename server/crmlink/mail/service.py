"""Whether and how this installation sends emails; the one place that decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from crmlink.access.context import AccessContext, Actor, record_audit
from crmlink.commusoft.vault import Vault, VaultKeyMissing
from crmlink.hosts import Host
from crmlink.mail.server import MailServer, Security
from crmlink.store import MailMessage, MailSettings, MailState
from crmlink.store.base import utc_now

Obstacle = Literal["", "no-server", "no-public-url", "practice", "key-missing"]


@dataclass(frozen=True, slots=True)
class MailStatus:
    """The mail server, if one is set, and why nothing is sent; without an obstacle emails are.

    ``by_environment``: the server is set where crmlink is started, and no page changes it.
    ``public_url`` is what links begin with: never with a request's own host.
    """

    server: MailServer | None
    obstacle: Obstacle
    by_environment: bool
    public_url: str

    @property
    def sends(self) -> bool:
        """Whether emails are sent."""
        return not self.obstacle


@dataclass(frozen=True, slots=True)
class WeeklyTime:
    """When weekly summaries are sent, by the server's clock: 0 is Monday."""

    day: int = 0
    hour: int = 8


@dataclass(frozen=True)
class MailService:
    """Email of one installation. ``practice`` tells whether made-up data is in use."""

    access: AccessContext
    environment: MailServer | None
    public_url: str
    key_file: Path
    practice: Callable[[], bool] = field(compare=False)

    def status(self) -> MailStatus:
        """Return whether emails are sent, by the settings as they are now."""
        by_environment = self.environment is not None
        try:
            server = self.environment or self._stored_server()
        except VaultKeyMissing:
            return MailStatus(None, "key-missing", by_environment, self.public_url)
        obstacle: Obstacle = ""
        if server is None:
            obstacle = "no-server"
        elif not self.public_url:
            obstacle = "no-public-url"
        elif self.practice():
            obstacle = "practice"
        return MailStatus(server, obstacle, by_environment, self.public_url)

    @property
    def sends(self) -> bool:
        """Whether emails are sent."""
        return self.status().sends

    @property
    def own_name(self) -> str:
        """Name that this computer gives itself at the mail server: that of the public URL."""
        host = Host.from_text(self.public_url.partition("://")[2])
        if host is None:
            return "localhost"
        is_address = ":" in host.name or host.name.replace(".", "").isdigit()
        prefix = "IPv6:" if ":" in host.name else ""
        return f"[{prefix}{host.name}]" if is_address else host.name

    def stored(self) -> MailSettings | None:
        """Return the stored settings; their password is encrypted."""
        with self.access.database.reading() as session:
            return session.scalar(_settings_of(self.access))

    def weekly_time(self) -> WeeklyTime:
        """Return when weekly summaries are sent."""
        kept = self.stored()
        return WeeklyTime(kept.weekly_day, kept.weekly_hour) if kept else WeeklyTime()

    def save_server(self, actor: Actor, server: MailServer) -> None:
        """Store the mail server, its password encrypted; waiting emails are tried at once."""
        locked = (
            Vault.at(self.key_file).seal({"password": server.password}) if server.password else ""
        )
        with self.access.database.writing() as session:
            row = self._row(session)
            row.host, row.port, row.security = server.host, server.port, server.security.value
            row.username, row.password = server.username, locked
            row.sender, row.sender_name = server.sender, server.sender_name
            session.execute(
                update(MailMessage)
                .where(MailMessage.workspace_id == self.access.workspace_id)
                .where(MailMessage.state == MailState.WAITING, MailMessage.attempts > 0)
                .values(due_at=utc_now())
            )
            record_audit(
                session, self.access, actor, "email.server_set", "workspace", server=server.host
            )

    def remove_server(self, actor: Actor) -> None:
        """Delete the mail server and its password; when summaries are sent stays."""
        with self.access.database.writing() as session:
            row = self._row(session)
            row.host = row.security = row.username = row.password = ""
            row.sender = row.sender_name = ""
            record_audit(session, self.access, actor, "email.server_removed", "workspace")

    def save_weekly_time(self, actor: Actor, time: WeeklyTime) -> None:
        """Store when weekly summaries are sent."""
        with self.access.database.writing() as session:
            row = self._row(session)
            if (row.weekly_day, row.weekly_hour) != (time.day, time.hour):
                row.weekly_day, row.weekly_hour = time.day, time.hour
                record_audit(session, self.access, actor, "email.weekly_time", "workspace",
                     day=time.day, hour=time.hour)  # fmt: skip

    def _stored_server(self) -> MailServer | None:
        kept = self.stored()
        if kept is None or not kept.host:
            return None
        return MailServer(
            kept.host,
            kept.port,
            Security(kept.security),
            kept.username,
            Vault.at(self.key_file).open(kept.password)["password"] if kept.password else "",
            kept.sender,
            kept.sender_name,
        )

    def _row(self, session: Session) -> MailSettings:
        row = session.scalar(_settings_of(self.access))
        if row is None:
            row = MailSettings(workspace_id=self.access.workspace_id, weekly_day=0, weekly_hour=8)
            session.add(row)
        return row


def _settings_of(access: AccessContext) -> Select[MailSettings]:
    return select(MailSettings).filter_by(workspace_id=access.workspace_id)
