"""What people type into one field, read as the values that are in it.

A field of a contact holds two telephone numbers, a note, a postcode behind a name, or *n/a*. Each
module reads one sort of field: pure functions, which never raise and never guess a value that
cannot be told from the text. What cannot be read is named as such by the reader, so that nothing
is taken for a difference that was never understood.
"""

from crmlink.values.addresses import Address, PostalAddress, read_address
from crmlink.values.emails import Emails, read_emails
from crmlink.values.names import ContactName, read_name
from crmlink.values.phones import PhoneNumber, Phones, read_phones
from crmlink.values.placeholders import is_placeholder, without_placeholder
from crmlink.values.retired import is_retired_status

__all__ = [
    "Address",
    "ContactName",
    "Emails",
    "PhoneNumber",
    "Phones",
    "PostalAddress",
    "is_placeholder",
    "is_retired_status",
    "read_address",
    "read_emails",
    "read_name",
    "read_phones",
    "without_placeholder",
]
