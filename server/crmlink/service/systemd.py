"""systemd: a service of the computer with a user of its own, or one of the person."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path, PurePath

from crmlink.service.model import (
    DESCRIPTION,
    NAME,
    RESTART_DELAY,
    STOP_TIMEOUT,
    Described,
    ProgramPrivate,
    Run,
    ServiceMissing,
    ServicePlan,
    ServiceStatus,
    must_succeed,
    write_if_changed,
)

UNIT = f"{NAME}.service"
STATE_DIR = PurePath("/var/lib") / NAME
SETTINGS_FILE = PurePath("/etc") / NAME / f"{NAME}.env"
HARDENING = """\
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
LockPersonality=yes
SystemCallArchitectures=native
"""


def unit_text(plan: ServicePlan, data_dir: PurePath, *, system: bool) -> str:
    """Return the unit file. ``system``: for the computer, with a user of its own."""
    words = (str(plan.python), *plan.arguments)
    command = " ".join(_quoted(word).replace("$", "$$") for word in words)
    variables = "".join(
        f"Environment={_quoted(f'{name}={value}')}\n"
        for name, value in plan.environment(data_dir).items()
    )
    own_user = f"User={NAME}\nGroup={NAME}\nEnvironmentFile=-{SETTINGS_FILE}\n{HARDENING}"
    folder = (
        f"StateDirectory={NAME}\nStateDirectoryMode=0700\n"
        if data_dir == STATE_DIR
        else f"ReadWritePaths={_quoted(str(data_dir))}\n"
    )
    return (
        f"[Unit]\nDescription={DESCRIPTION}\nAfter=network-online.target\n"
        "Wants=network-online.target\nStartLimitIntervalSec=0\n\n"
        f"[Service]\nType=exec\nExecStart={command}\n{variables}"
        f"Restart=on-failure\nRestartSec={RESTART_DELAY}\nTimeoutStopSec={STOP_TIMEOUT}\n"
        f"UMask=0077\n{own_user + folder if system else ''}\n"
        f"[Install]\nWantedBy={'multi-user.target' if system else 'default.target'}\n"
    )


class Systemd:
    """The service under systemd."""

    def __init__(self, run: Run, *, system: bool, units: Path, home: PurePath) -> None:
        self._run, self._system, self._home = run, system, home
        self._control = ("systemctl",) if system else ("systemctl", "--user")
        self.definition = units / UNIT
        self.settings_file = Path(SETTINGS_FILE)

    @property
    def log_hint(self) -> str:
        """The command that shows what the service prints."""
        return f"journalctl {'' if self._system else '--user '}-u {NAME}"

    def data_dir(self, plan: ServicePlan) -> PurePath:
        """Return where the service keeps its data."""
        return plan.data_dir or (STATE_DIR if self._system else self._home)

    def described(self) -> Described | None:
        """Return what the unit says, with the settings of the file beside it."""
        if not self.definition.exists():
            return None
        lines = self.definition.read_text(encoding="utf-8").splitlines()
        values = [line.partition("=")[::2] for line in lines]
        words = [
            word
            for name, text in values
            if name == "ExecStart"
            for word in _words(text.replace("$$", "$"))
        ]
        pairs = [word for name, text in values if name == "Environment" for word in _words(text)]
        if self._system and self.settings_file.is_file():
            pairs += _settings_of(self.settings_file.read_text(encoding="utf-8"))
        return Described(PurePath(words[0]), words[1:], _as_mapping(pairs)) if words else None

    def install(self, plan: ServicePlan) -> bool:
        """Describe the service to systemd; return whether anything changed."""
        if self._system:
            _check_readable(Path(plan.python))
            self._add_user()
        data_dir = self.data_dir(plan)
        if self._system:  # a backup may be restored into it before the first start
            owner = ("-o", NAME, "-g", NAME, "-m", "0700")
            must_succeed(self._run, "install", "-d", *owner, str(data_dir))
        changed = write_if_changed(self.definition, unit_text(plan, data_dir, system=self._system))
        if changed:
            must_succeed(self._run, *self._control, "daemon-reload")
        must_succeed(self._run, *self._control, "enable", UNIT)
        return changed

    def uninstall(self) -> bool:
        """Stop and remove the service; its data and its user stay."""
        if not self.definition.exists():
            return False
        must_succeed(self._run, *self._control, "disable", "--now", UNIT)
        self.definition.unlink()
        must_succeed(self._run, *self._control, "daemon-reload")
        return True

    def start(self) -> None:
        """Start the service, with the newest description."""
        self._require()
        must_succeed(self._run, *self._control, "start", UNIT)

    def stop(self) -> None:
        """Stop the service."""
        self._require()
        must_succeed(self._run, *self._control, "stop", UNIT)

    def status(self) -> ServiceStatus:
        """Return whether it runs."""
        if not self.definition.exists():
            return ServiceStatus.MISSING
        code, _ = self._run([*self._control, "is-active", "--quiet", UNIT])
        return ServiceStatus.STOPPED if code else ServiceStatus.RUNNING

    def _require(self) -> None:
        if not self.definition.exists():
            raise ServiceMissing

    def _add_user(self) -> None:
        code, _ = self._run(["id", "--user", NAME])
        if code:
            must_succeed(
                self._run, "useradd", "--system", "--user-group", "--home-dir", str(STATE_DIR),
                "--no-create-home", "--shell", "/usr/sbin/nologin", NAME,
            )  # fmt: skip


def _quoted(text: str) -> str:
    """Return a value for a unit file; ``%`` has a meaning there, and ``$`` in commands alone."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if escaped != text or " " in text else text


def _words(text: str) -> list[str]:
    """Return the words of a value that ``_quoted`` wrote."""
    return [word.replace("%%", "%") for word in shlex.split(text)]


def _settings_of(text: str) -> list[str]:
    """Return the settings of an environment file, as systemd reads it."""
    lines = [line.strip() for line in text.splitlines()]
    words = [shlex.split(line) for line in lines if line and line[0] not in "#;"]
    return [" ".join(each) for each in words]


def _as_mapping(pairs: Iterable[str]) -> dict[str, str]:
    split = [pair.partition("=") for pair in pairs]
    return {name: value for name, equals, value in split if equals}


def _check_readable(program: Path) -> None:
    """Raise ProgramPrivate if other users cannot reach the program, as in a home folder."""
    for path in (program, *program.parents):
        if path.exists() and not path.stat().st_mode & 0o001:
            raise ProgramPrivate(path)
