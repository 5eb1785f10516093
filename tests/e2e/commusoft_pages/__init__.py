"""Imitations of Commusoft's pages, made with the frameworks that it is made of.

They know nothing of crmlink and share nothing with the sandbox: where crmlink's idea of a page and
the sandbox's agree by accident, these do not.
"""

from e2e.commusoft_pages.decoys import DECOYS, Decoy
from e2e.commusoft_pages.pages import VARIANTS, CommusoftPages, OpenPage, Variant
from e2e.commusoft_pages.records import ORIGIN, record_address, sample_records

__all__ = [
    "DECOYS",
    "ORIGIN",
    "VARIANTS",
    "CommusoftPages",
    "Decoy",
    "OpenPage",
    "Variant",
    "record_address",
    "sample_records",
]
