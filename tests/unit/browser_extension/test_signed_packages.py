"""Packages for managed browsers: signed so that Chrome accepts them, by one key that stays."""

from __future__ import annotations

import hashlib
import json
import stat
import struct
import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from crmlink.browser_extension.signed_packages import SignedPackages, signed_packages
from crmlink.browser_extension.signing_key import SigningKeyUnreadable, signing_key

SERVER = "https://crm.office.example"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> SignedPackages:
    return signed_packages(tmp_path_factory.mktemp("data"), SERVER)


def read_fields(message: bytes) -> dict[int, bytes]:
    """A protocol buffer's fields of bytes, as a reader of the format sees them."""
    fields, at = {}, 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value

    while at < len(message):
        tag, length = number(), number()
        assert tag & 7 == 2, "a field of bytes"
        fields[tag >> 3] = message[at : at + length]
        at += length
    return fields


def verified_id(crx: bytes) -> str:
    """What Chrome does before it installs: the id that the signature proves."""
    magic, version, length = struct.unpack_from("<4sII", crx)
    assert (magic, version) == (b"Cr24", 3)
    header, package = read_fields(crx[12 : 12 + length]), crx[12 + length :]
    proof, signed = read_fields(header[2]), header[10_000]
    key = load_der_public_key(proof[1])
    assert isinstance(key, RSAPublicKey)
    content = b"CRX3 SignedData\x00" + struct.pack("<I", len(signed)) + signed + package
    key.verify(proof[2], content, PKCS1v15(), SHA256())
    digest = hashlib.sha256(proof[1]).digest()[:16]
    assert read_fields(signed)[1] == digest
    return "".join("abcdefghijklmnop"[int(digit, 16)] for digit in digest.hex())


def test_the_signature_proves_the_id_that_policies_name(packages: SignedPackages) -> None:
    assert verified_id(packages.crx) == packages.chromium_id


def test_one_changed_byte_is_noticed(packages: SignedPackages) -> None:
    with pytest.raises(InvalidSignature):
        verified_id(packages.crx[:-1] + bytes([packages.crx[-1] ^ 1]))


def test_it_stays_the_same_extension_and_the_same_package(tmp_path: Path) -> None:
    first, again = (signed_packages(tmp_path, SERVER) for _ in range(2))
    elsewhere = signed_packages(tmp_path, "http://192.168.1.5:8787")
    other = signed_packages(tmp_path / "..", SERVER)
    assert first == again
    assert elsewhere.chromium_id == first.chromium_id != other.chromium_id
    (tmp_path / ".." / "extension.key").unlink()


def test_lists_of_updates_name_version_and_package(packages: SignedPackages) -> None:
    root = ElementTree.fromstring(packages.updates_xml)  # noqa: S314 # made here
    space = "{http://www.google.com/update2/response}"
    app = root.find(f"{space}app")
    assert app is not None
    check = app.find(f"{space}updatecheck")
    assert check is not None
    assert app.get("appid") == packages.chromium_id
    assert check.attrib == {
        "codebase": f"{SERVER}/extension/crmlink.crx",
        "version": packages.version,
    }
    [update] = json.loads(packages.updates_json)["addons"][packages.firefox_id]["updates"]
    assert update["update_link"] == f"{SERVER}/extension/crmlink.xpi"
    assert update["update_hash"] == f"sha256:{hashlib.sha256(packages.xpi).hexdigest()}"
    with ZipFile(BytesIO(packages.xpi)) as opened:
        assert json.loads(opened.read("manifest.json"))["version"] == update["version"]


def test_no_package_holds_a_secret_of_the_installation(tmp_path: Path) -> None:
    made = signed_packages(tmp_path, SERVER)
    secret = (tmp_path / "extension.key").read_bytes().splitlines()[1]
    for content in (made.crx, made.xpi, made.updates_xml, made.updates_json):
        assert secret not in content
        assert b"PRIVATE KEY" not in content
        assert str(tmp_path).encode() not in content


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_the_key_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    signing_key(tmp_path)
    assert stat.S_IMODE((tmp_path / "extension.key").stat().st_mode) == 0o600


def test_of_several_that_begin_at_once_one_key_stays(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        keys = pool.map(lambda _: signing_key(tmp_path).private_numbers(), range(4))
    assert len({key.p for key in keys}) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["extension.key"]


def test_a_spoilt_key_is_not_replaced(tmp_path: Path) -> None:
    file = tmp_path / "extension.key"
    file.write_text("half a key")
    with pytest.raises(SigningKeyUnreadable, match=r"extension\.key"):
        signing_key(tmp_path)
    assert file.read_text() == "half a key"
