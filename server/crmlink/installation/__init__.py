"""Installation: everything that the server and the command line need, opened together."""

from crmlink.installation.open_workspace import KEY_FILE, RULES_FILE, OpenWorkspace
from crmlink.installation.opening import CLI_PATH, Installation, open_database, open_installation

__all__ = [
    "CLI_PATH",
    "KEY_FILE",
    "RULES_FILE",
    "Installation",
    "OpenWorkspace",
    "open_database",
    "open_installation",
]
