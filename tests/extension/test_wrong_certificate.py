"""A certificate that the browser does not trust is among what the popup says may be wrong."""

from __future__ import annotations

import datetime
import http.server
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.sync_api import expect

from extension.popup_states_runner import open_stage
from extension.scripted_replies import usual_replies

TITLE = "We can't reach crmlink securely"


def test_a_self_signed_certificate_is_said_with_a_way_to_see_it(tmp_path: Path) -> None:
    with self_signed(tmp_path) as address, open_stage() as stage:
        stage.server.replies = usual_replies(sandbox=False)
        stage.extension.forget()
        stage.extension.connect(stage.server.address)
        stage.extension.move_server(address)
        stage.extension.visit(
            "https://go.xero.com/Contacts/View/8275f116-6419-4b82-889a-f41dcc1d6186"
        )
        stage.extension.context.unroute("https://**/*")  # the worker's requests go out for once
        page = stage.extension.open_popup()
        expect(page.get_by_role("heading", name=TITLE)).to_be_visible()
        expect(page.locator("main").get_by_text("may not trust its certificate")).to_be_visible()
        with stage.extension.context.expect_page() as opened:
            page.get_by_role("button", name="Open the address").click()
        opened.value.wait_for_url("**")
        seen = page.evaluate(
            "chrome.tabs.query({}).then((all) => all.map((tab) => tab.pendingUrl || tab.url))"
        )
        assert any(url and url.startswith(address) for url in seen), seen


@contextmanager
def self_signed(folder: Path) -> Iterator[str]:
    """A server on this computer with a certificate of its own making; its address."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "office-pc")])
    now = datetime.datetime.now(datetime.UTC)
    local = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([local]), critical=False)
        .sign(key, hashes.SHA256())
    )
    both = folder / "own.pem"
    both.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"https://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
