"""/start/address: whether other computers can use crmlink at an address, tested and in words."""

from __future__ import annotations

from flask import request

from crmlink.pages.blueprint import blueprint
from crmlink.pages.start import start_page
from crmlink.web.auth import current_installation, require_permission
from crmlink.web.reachability import Reach, try_address

_SENTENCES = {
    "malformed": "Enter the address that people type, such as https://office-server:8787, with "
    "nothing after it.",
    "own-computer": "On every computer, {host} means that computer. Enter this one's name or IP "
    "address.",
    "unknown-name": "No computer is called {host} on this network. Check the name, have it added "
    "to your network's DNS, or use this computer's IP address.",
    "listens-here-only": "crmlink only listens to its own computer. Start it with --host 0.0.0.0, "
    "or put a proxy in front of it.",
    "other-port": "Nothing answers at port {port}. crmlink listens at port {own_port}: put that "
    "behind the name, or a proxy in front.",
    "nothing": "Nothing answers at {host}, port {port}. Check that it's this computer's address.",
    "no-answer": "{host} doesn't answer. Check that it's this computer's address, and that its "
    "firewall lets in port {port}.",
    "untrusted": "The certificate at this address isn't trusted here, or is for another name "
    "({cause}).",
    "no-https": "https isn't spoken at this address. Give crmlink a certificate, put a proxy in "
    "front, or enter http:// instead.",
    "needs-https": "https is spoken at this address: enter https:// instead of http://.",
    "other": "Something else answers at this address, not this crmlink. Check the name and port.",
    "busy": "Another test is running. Try again in a few seconds.",
    "name-means-here": "crmlink answers. But on this computer {host} means the computer itself, so "
    "this says nothing about others: open {address} on another one.",
    "reached": "crmlink answers at {address}, asked from its own computer. A firewall can still "
    "keep others away: open {address} on another computer to be sure.",
}


@blueprint.post("/start/address")
@require_permission("admin")
def try_public_address() -> str:
    """Test an address, and show the result; nothing is stored."""
    text = request.form.get("address", "")[:300]
    reach = try_address(current_installation().settings, text)
    return start_page(reach, reach_text(reach))


def reach_text(reach: Reach) -> str:
    """Return what a test found, and what to do, as a sentence or two."""
    return _SENTENCES[reach.outcome].format(
        address=reach.address, host=reach.host, port=reach.port, own_port=reach.own_port,
        cause=reach.cause,
    )  # fmt: skip
