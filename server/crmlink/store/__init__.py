"""Tables, migrations and the database they live in."""

from crmlink.store.database import Database
from crmlink.store.models import Device, Link, LinkState, MirroredRecord, Workspace

__all__ = ["Database", "Device", "Link", "LinkState", "MirroredRecord", "Workspace"]
