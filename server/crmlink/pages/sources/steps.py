"""Where an office gets what crmlink needs to read its accounting software, in five steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConnectSteps:
    """The steps; ``local`` tells whether the software returns to an address of this computer."""

    steps: tuple[str, str, str, str, str]
    where: str  # web address of the developers' pages
    local: bool = True
    notes: tuple[str, ...] = ()


STEPS: Mapping[str, ConnectSteps] = {
    "xero": ConnectSteps(
        (
            "Sign in at Xero's developer pages with your own Xero account, and select New app.",
            "Name it, for example “crmlink of our office”, and choose the type Mobile or desktop "
            "app. This type has no secret to look after.",
            "Enter the redirect address below exactly as it is shown. Xero asks for your website "
            "too; any page of yours will do.",
            "Create the app, open Configuration, and copy the Client id.",
            "Paste the Client id here and continue. Xero asks which of your organisations crmlink "
            "may read.",
        ),
        "https://developer.xero.com/app/manage",
        notes=(
            "crmlink asks for one permission: to read contacts. It can change nothing in Xero.",
            "Xero's free plan allows 1,000 requests a day for each organisation. crmlink needs one "
            "for 1,000 contacts, and one each time it asks for changes.",
        ),
    ),
    "freeagent": ConnectSteps(
        (
            "Sign in at FreeAgent's developer dashboard with a developer account; it is free.",
            "Select Create New App, and name it, for example “crmlink of our office”.",
            "Enter the redirect address below among its OAuth redirect URIs, exactly as it is "
            "shown.",
            "Save, and copy the OAuth identifier (the client id) and the OAuth secret.",
            "Paste both here and continue. FreeAgent asks you to sign in and to agree.",
        ),
        "https://dev.freeagent.com/apps",
        notes=(
            "crmlink reads contacts only. FreeAgent has no read-only permission for programs: sign "
            "in as a user whose access level is Contacts.",
        ),
    ),
    "sage_business_cloud": ConnectSteps(
        (
            "Sign in at Sage's developer self-service with your Sage account.",
            "Create an app, and name it, for example “crmlink of our office”.",
            "Enter the redirect address below as its callback URL, exactly as it is shown.",
            "Save, and copy the Client ID and the Client Secret.",
            "Paste both here and continue. Sage asks you to sign in and to agree.",
        ),
        "https://developerselfservice.sageone.com",
        notes=(
            "crmlink asks for one permission: to read. It can change nothing in Sage.",
            "The sign-in ends if crmlink doesn't run for 31 days; then connect it again.",
        ),
    ),
    "quickbooks_online": ConnectSteps(
        (
            "Sign in at Intuit's developer pages with your own account, and create an app for "
            "QuickBooks Online and Accounting.",
            "Fill in Intuit's questionnaire for production keys. It is free for one office.",
            "Among the production settings, add a redirect URI that begins with https://. Intuit "
            "refuses addresses of this computer; a page of your own website will do.",
            "Copy the production Client ID and Client Secret.",
            "Enter all three here and continue. After you agreed, paste the address that your "
            "browser shows.",
        ),
        "https://developer.intuit.com/app/developer/dashboard",
        local=False,
        notes=("QuickBooks has no read-only permission for programs. crmlink only reads.",),
    ),
    "kashflow": ConnectSteps(
        (
            "Have the user name, the password and the memorable word at hand, with which you sign "
            "in to KashFlow.",
            "Enter the user name and the password here. crmlink sends them to KashFlow and stores "
            "neither.",
            "KashFlow then asks for some characters of the memorable word. Enter those.",
            "The contacts are read at once. It may take some minutes; you can close the page.",
            "Select Read now whenever the contacts should be up to date, and sign in again.",
        ),
        "https://app.kashflow.com",
        notes=(
            "KashFlow is not read automatically: it has no sign-in for programs that could be "
            "stored without your password.",
            "crmlink only reads. KashFlow locks a user after several wrong attempts.",
            "The number of a contact is its reference. Its Code is shown beside it.",
        ),
    ),
}
QUICKBOOKS_DESKTOP = ConnectSteps(
    (
        "Select Create the password. crmlink shows it once.",
        "Download crmlink.qwc on the computer where QuickBooks is, and open your company file "
        "there as its administrator.",
        "Open the Web Connector (File, Update Web Services), select Add an application, and choose "
        "crmlink.qwc. Let QuickBooks give access even when it isn't running, if you like.",
        "Paste the password into the field Password of the Web Connector and press Enter.",
        "Tick crmlink and select Update Selected. Then tick Auto-Run, so that it is repeated.",
    ),
    "https://developer.intuit.com/app/developer/qbdesktop/docs/get-started/"
    "get-started-with-quickbooks-web-connector",
    notes=(
        "crmlink only reads. The Web Connector is free and comes with QuickBooks.",
        "The Name of a customer or supplier is its reference. A job's is its whole name, such as "
        "Smith:Kitchen. Inactive ones are marked as archived.",
    ),
)
SAGE_50 = ConnectSteps(
    (
        "In Sage 50, add a user that is used for nothing else, for example CRMLINK. Sage allows "
        "one sign-in for each user.",
        "On the computer where Sage 50 is, set up Sage's ODBC driver: its data source, a "
        "System DSN, is named SageLine50v30 or like it.",
        "Install Python and crmlink there: pip install crmlink[sage50]. Python has to have as many "
        "bits as the driver, 64 from v29 on.",
        "Create a token here that has the scope contacts only, and save it there as token.txt. "
        "Save the Sage user's password as password.txt.",
        "Run the command below as administrator, then crmlink agent service start. It starts with "
        "the computer from then on, and reads every hour. The company then "
        "appears under Live contacts.",
    ),
    "https://www.sage.com/en-gb/support/",
    notes=(
        "The agent reads, closes Sage's data and then sends. It writes nothing to Sage, and its "
        "token can read no contacts, links or records here.",
        "Keep the company's name the same: another name is another company.",
    ),
)
