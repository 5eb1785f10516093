"""What each process would do when it first opens an installation, done once before it is copied.

Imported by the process that others are copies of (`faults/processes.py`), and by nothing else.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from sqlalchemy.orm import configure_mappers

from crmlink.accounting.rule_loading import built_in_packages
from crmlink.installation import open_installation
from crmlink.settings import Settings
from support.quick_apps import compile_templates, make_apps_quickly
from support.quick_databases import migrate_quickly
from support.quick_memory import leave_out_what_is_there
from support.shared_statements import share_compiled_statements

share_compiled_statements()
make_apps_quickly()
migrate_quickly()
compile_templates()
configure_mappers()
built_in_packages()
with tempfile.TemporaryDirectory(prefix="crmlink-") as folder:
    url = f"sqlite:///{folder}/crmlink.sqlite"
    open_installation(Settings(Path(folder), url, "k" * 48)).close()
leave_out_what_is_there()
