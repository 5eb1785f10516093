"""Parsers for single fields of a contact: addresses, emails, names, telephone numbers.

One field may hold two telephone numbers, a note, a postcode after a name, or *n/a*. Each module
parses one kind of field with pure functions that never raise and never guess. Text that cannot be
parsed is returned as such, so that it is never counted as a difference.
"""

from crmlink.values.addresses import Address, PostalAddress, read_address
from crmlink.values.contact_details import ContactDetails
from crmlink.values.emails import Emails, read_emails
from crmlink.values.names import ContactName, read_name
from crmlink.values.phones import PhoneNumber, Phones, read_phones
from crmlink.values.placeholders import is_placeholder, without_placeholder
from crmlink.values.retired import is_retired_status

__all__ = [
    "Address",
    "ContactDetails",
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
