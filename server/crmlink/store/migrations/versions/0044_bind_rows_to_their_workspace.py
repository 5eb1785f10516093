"""Rows of another workspace are not there on PostgreSQL, whatever a statement forgets"""

from crmlink.store.migrations.row_security import (
    lock_together,
    show_own_rows,
    show_own_rows_and_those_of_none,
)

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

OWN = (
    "audit_entry",
    "audit_seal",
    "checklist_answer",
    "connection",
    "contact_source",
    "device",
    "erased_key",
    "invitation",
    "mail_message",
    "mail_settings",
    "package_host",
    "person",
    "record_field",
    "source_account",
    "source_sign_in",
)
THROUGH_PARENTS = {
    "commusoft_pace": ("connection_id", "connection"),
    "linked_share": ("connection_id", "connection"),
    "page_session": ("person_id", "person"),
    "record": ("connection_id", "connection"),
    "batch": ("connection_id", "connection"),
    "link": ("connection_id", "connection"),
    "lookalike": ("connection_id", "connection"),
    "parked_contact": ("connection_id", "connection"),
    "record_import": ("connection_id", "connection"),
    "refresh": ("device_id", "device"),
    "source_contact": ("source_id", "contact_source"),
    "web_connector": ("source_id", "contact_source"),
    "write_test": ("connection_id", "connection"),
    "batch_bad_row": ("batch_id", "batch"),
    "batch_page": ("connection_id", "connection"),
    "batch_row": ("batch_id", "batch"),
    "record_import_part": ("import_id", "record_import"),
}


def upgrade() -> None:
    lock_together(["workspace", "pairing", *OWN, *THROUGH_PARENTS])
    show_own_rows("workspace", "id")
    for table in OWN:
        show_own_rows(table)
    for table, (column, parent) in THROUGH_PARENTS.items():
        show_own_rows(table, column, parent)
    show_own_rows_and_those_of_none("pairing")
