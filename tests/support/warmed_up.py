"""What each process would do when it first opens an installation, done once before it is copied.

Imported by the process that others are copies of (`faults/processes.py`), and by nothing else.
"""

from __future__ import annotations

import tempfile

from sqlalchemy.orm import configure_mappers

from crmlink.accounting.rule_loading import built_in_packages
from crmlink.store import Database
from support.quick_memory import leave_out_what_is_there
from support.shared_statements import share_compiled_statements

share_compiled_statements()
configure_mappers()
built_in_packages()
with tempfile.TemporaryDirectory(prefix="crmlink-") as folder:
    database = Database(f"sqlite:///{folder}/crmlink.sqlite")
    database.migrate()
    database.close()
leave_out_what_is_there()
