"""The questions, in the order of work: see docs/commusoft.md for why each is open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

TextKind = Literal["none", "words", "headings", "address"]
UNKNOWN = "unknown"
_UNKNOWN = {UNKNOWN: "Tried, and can't tell"}
YES_NO = {"yes": "Yes", "no": "No"} | _UNKNOWN


@dataclass(frozen=True, slots=True)
class Question:
    """One question; ``text`` is what may be typed besides the choice, ``asks`` its label."""

    id: str
    title: str
    do: str
    choices: Mapping[str, str] = field(default_factory=lambda: YES_NO)
    text: TextKind = "none"
    asks: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """Questions that are answered in one place of Commusoft."""

    id: str
    title: str
    questions: tuple[Question, ...]


_LABELS = {
    "third-party": "Third-Party Reference",
    "third-party-ref": "Third party accounting ref",
    "accounting": "Accounting reference",
    "other": "Something else",
    "absent": "There is no such field",
}


def _label(kind: str, where: str) -> Question:
    return Question(
        f"label_{kind}",
        f"What is the field called on a {kind}?",
        f"Open a {kind}, choose Edit, and look {where} for the field with the accounting "
        "reference. Copy its label exactly as it is written.",
        _LABELS,
        "words",
        "Its label, if it is something else, and the heading above it",
    )


PARTS = (
    Part(
        "api",
        "The API",
        (
            Question(
                "api_page",
                "Does Commusoft's own page about the API answer?",
                "While you are signed in to Commusoft, open the address of its web application "
                "followed by /webservice_dev.php/api/doc/ in the same browser.",
                {
                    "fields": "Yes, it lists the fields",
                    "sign-in": "It asks me to sign in",
                    "missing": "Not found, or an error",
                    UNKNOWN: "Something else",
                },
            ),
            Question(
                "api_update_field",
                "What is the reference called in an update?",
                "On that page, find the request that updates a customer (PUT) and the field that "
                "may be the accounting reference.",
                {"thirdparty": "thirdparty", "other": "Another name", "absent": "It has none"}
                | _UNKNOWN,
                "words",
                "Its name, and that of a supplier if there is one",
            ),
            Question(
                "api_reading",
                "Can crmlink read customers and suppliers?",
                "Connect the account, and run the connection check on the page Commusoft.",
            ),
            Question(
                "api_saving",
                "Does a saved reference stay?",
                "Run the connection check with a customer that was made for this test, with a "
                "trial value: see the command below the check. Then the same with a supplier.",
                {
                    "both": "Yes, for customers and suppliers",
                    "customers": "For customers only",
                    "none": "For neither",
                    UNKNOWN: "Not tried",
                },
            ),
            Question(
                "api_webhooks",
                "Can Commusoft tell another program of a new customer?",
                "Look in Commusoft's settings, under integrations, for webhooks.",
            ),
        ),
    ),
    Part(
        "record",
        "A record's page",
        (
            _label("customer", "under Other details"),
            _label("supplier", "on the whole page"),
            Question(
                "address_customer",
                "What is the address of a customer's page?",
                "Open a customer from the list, and compare the browser's address bar.",
                {
                    "old": "…/customers/customer/number/view/property/view",
                    "new": "…/customers/customer/number/view_v2/property/view",
                    "list": "…/customers/customer_list/number/view_v2/property/view",
                    "other": "Another one",
                },
                "address",
                "The address, if it is another one",
            ),
            Question(
                "address_supplier",
                "What is the address of a supplier's page?",
                "Open a supplier from the list, and compare the browser's address bar.",
                {
                    "known": "…/suppliers/list_supplier/number/view/supplier_details",
                    "other": "Another one",
                },
                "address",
                "The address, if it is another one",
            ),
            Question(
                "address_editing",
                "Does the address change when you choose Edit?",
                "Open a customer, choose Edit, and watch the address bar.",
                YES_NO,
                "address",
                "The address while editing, if it changes",
            ),
            Question(
                "shown_at_rest",
                "Is the reference shown without choosing Edit?",
                "Open a customer that has a reference, and look for it on the page.",
            ),
            Question(
                "after_save",
                "What does the page show right after Save?",
                "On a customer made for this test, enter a reference and choose Save.",
                {
                    "text": "The reference as plain text",
                    "field": "The form with its fields, still open",
                    "hidden": "The customer's page, without the reference",
                    UNKNOWN: "Something else",
                },
            ),
            Question(
                "longest",
                "How long may a reference be?",
                "On the same customer, paste 60 letters into the field, save, and look how many "
                "are there after you have loaded the page again. Then delete them.",
                {
                    "all": "All 60 are kept",
                    "cut": "It is cut off",
                    "refused": "Commusoft refuses it",
                }
                | _UNKNOWN,
                "words",
                "How many are kept, if it is cut off",
            ),
            Question(
                "spaces",
                "Does a space at the end stay?",
                "On the same customer, enter a reference with a space at its end, save, load the "
                "page again, choose Edit, and look whether the space is still there.",
            ),
            Question(
                "shared",
                "May two records have the same reference?",
                "Give a customer and a supplier, both made for this test, the same reference. Then "
                "two customers.",
                {
                    "both": "Yes, both can be saved",
                    "kinds": "Only a customer and a supplier",
                    "none": "Commusoft refuses both",
                }
                | _UNKNOWN,
            ),
        ),
    ),
    Part(
        "table",
        "Link Customers and Suppliers",
        (
            Question(
                "table_address",
                "Is the table there, and at which address?",
                "Profile > Integrations > Accounting packages > View dashboard > Quick Links > "
                "Link Customers and Suppliers.",
                YES_NO,
                "address",
                "Its address",
            ),
            Question(
                "table_cells",
                "How is a reference entered in the table?",
                "Select a cell in the column with the reference.",
                {
                    "fields": "Each row has a field to type in",
                    "grid": "Like a spreadsheet: the cell can be edited after a double click",
                    UNKNOWN: "Something else",
                },
            ),
            Question(
                "table_headings",
                "Which columns has the table?",
                "Copy the headings, not the rows.",
                {"same": "The same for customers and suppliers", "differ": "They differ"}
                | _UNKNOWN,
                "headings",
                "The headings, separated by commas",
            ),
            Question(
                "table_number",
                "Does a row show the record's number?",
                "That is the number in the address of its page.",
                {
                    "column": "Yes, in a column",
                    "link": "The name is a link to the record's page",
                    "no": "No",
                }
                | _UNKNOWN,
            ),
            Question(
                "table_paging",
                "Are all rows on one page?",
                "Scroll to the end of the table.",
                {"all": "Yes", "pages": "No, it has pages", "more": "More rows load as I scroll"}
                | _UNKNOWN,
            ),
            Question(
                "table_save",
                "Does one button save the whole table?",
                "Look for Save Accounting References.",
                {"one": "Yes, under that name", "other": "Yes, under another name", "no": "No"}
                | _UNKNOWN,
                "words",
                "The button's name, if it is another",
            ),
        ),
    ),
    Part(
        "reports",
        "Reports and imports",
        (
            Question(
                "report_customers",
                "Which columns has the report of customers?",
                "Reports > Customer > Customers, downloaded. Copy the line of headings, nothing "
                "below it.",
                {"excel": "It is an Excel file", "csv": "It is a CSV file", "none": "No download"}
                | _UNKNOWN,
                "headings",
                "The headings, separated by commas",
            ),
            Question(
                "report_suppliers",
                "Which columns has the report of suppliers?",
                "Reports > Supplier > Suppliers, downloaded. Copy the line of headings.",
                {"excel": "It is an Excel file", "csv": "It is a CSV file", "none": "No download"}
                | _UNKNOWN,
                "headings",
                "The headings, separated by commas",
            ),
            Question(
                "report_number",
                "Which column has the number in the address of a customer's page?",
                "Compare one line of the report with that customer's page.",
                {"one": "One of the columns", "none": "None"} | _UNKNOWN,
                "headings",
                "Its heading",
            ),
            Question(
                "report_reference",
                "Is the accounting reference a column of the reports?",
                "Look at a customer that has a reference.",
                {"both": "In both reports", "customers": "Of customers only", "none": "In neither"}
                | _UNKNOWN,
                "headings",
                "Its heading",
            ),
            Question(
                "import_reference",
                "Can Commusoft's own import set the reference?",
                "Download the template of Commusoft's customer import, and look at its columns.",
            ),
        ),
    ),
    Part(
        "accounts",
        "What reaches the accounting software",
        (
            Question(
                "letter_case",
                "Does Commusoft tell capitals from small letters in a reference?",
                "Give a test customer the reference of a test contact in the other case, send one "
                "invoice, and see in the accounting software where it arrives.",
                {
                    "same": "No, it arrives at that contact",
                    "new": "Yes, it makes a new contact",
                    "failed": "The invoice fails",
                    UNKNOWN: "Not tried",
                },
            ),
            Question(
                "sage_table",
                "Does the table work for your accounting software?",
                "Save one reference in the table, send an invoice of that customer, and see where "
                "it arrives. Older articles say that it does not for Sage Business Cloud.",
                {"yes": "Yes", "no": "No", UNKNOWN: "Not tried"},
                "words",
                "Which accounting software",
            ),
        ),
    ),
)
QUESTIONS: Mapping[str, Question] = {
    question.id: question for part in PARTS for question in part.questions
}
