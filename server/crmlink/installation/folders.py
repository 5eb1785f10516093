"""Where a workspace's own files are: rules, uploads, practice data."""

from __future__ import annotations

from pathlib import Path

from crmlink.store import Workspace

FOLDER = "workspaces"


def folder_of(data_dir: Path, workspace: Workspace) -> Path:
    """Return a workspace's folder within the data folder, made if necessary.

    The first workspace has the data folder itself.
    """
    folder = data_dir / FOLDER / workspace.public_id
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder
