"""Commusoft, the CRM: its client, its dialects and a sandbox that plays it."""

from crmlink.commusoft.client import Commusoft
from crmlink.commusoft.connection import Connection, ConnectionUnsafe
from crmlink.commusoft.dialect import Dialect
from crmlink.commusoft.errors import (
    CommusoftBusy,
    CommusoftError,
    CommusoftFault,
    CommusoftRefused,
    CommusoftSlow,
    CommusoftUnreachable,
    CommusoftUnreadable,
    RecordGone,
    WriteRefused,
)
from crmlink.commusoft.limits import Patience
from crmlink.commusoft.records import Record

__all__ = [
    "Commusoft",
    "CommusoftBusy",
    "CommusoftError",
    "CommusoftFault",
    "CommusoftRefused",
    "CommusoftSlow",
    "CommusoftUnreachable",
    "CommusoftUnreadable",
    "Connection",
    "ConnectionUnsafe",
    "Dialect",
    "Patience",
    "Record",
    "RecordGone",
    "WriteRefused",
]
