"""Certificates for an office without a domain: an authority of its own, and the server's.

The authority may certify only the names and addresses it was made for (name constraints), so its
key, if it were stolen, would not open other sites to anyone who trusts it.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from crmlink.hosts import Host
from crmlink.store.base import utc_now
from crmlink.upkeep.errors import UpkeepFailure

FOLDER = "tls"  # in the data folder
AUTHORITY_KEY, AUTHORITY = "authority.key", "authority.crt"
SERVER_KEY, SERVER = "server.key", "server.crt"
AUTHORITY_DAYS = 3652
SERVER_DAYS = 397  # browsers reject more
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")  # the set-up page is opened on the server itself
TOP_DOMAINS = {
    "com", "net", "org", "edu", "gov", "mil", "int", "arpa", "info", "biz", "name", "pro", "mobi",
    "app", "dev", "page", "web", "cloud", "online", "site", "website", "shop", "store", "tech",
    "xyz", "club", "live", "life", "world", "company", "business", "finance", "email", "digital",
    "agency", "group", "services", "solutions", "systems", "network", "software", "plumbing",
    "heating", "builders", "london", "scot", "wales", "cymru", "google", "microsoft", "apple",
}  # fmt: skip
SECOND_DOMAINS = {
    "co", "com", "org", "net", "gov", "ac", "edu", "ltd", "plc", "me", "sch", "nhs", "police",
}  # fmt: skip
_CLOCKS_DIFFER = timedelta(hours=1)
_MAX_COMMON_NAME = 64  # characters


@dataclass(frozen=True, slots=True)
class LocalCertificate:
    """The server's certificate as it was made; ``ended`` is set if it replaces an earlier one."""

    folder: Path
    names: tuple[str, ...]
    ends: datetime
    fingerprint: str  # SHA-256 of the authority's certificate
    is_new_authority: bool
    ended: datetime | None = None
    put_aside: Path | None = None


def make_certificate(data_dir: Path, wanted: Iterable[str], *, replace: bool) -> LocalCertificate:
    """Make the server's certificate for these names, and the authority if there is none.

    With the names of the existing one it is renewed, with its key; other names need ``replace``,
    which puts the existing files aside. Raises UpkeepFailure and OSError.
    """
    names = _names(wanted)
    folder = data_dir / FOLDER
    put_aside = _put_aside(folder) if replace and folder.exists() else None
    is_new = not folder.exists()
    ended = None
    if is_new:
        folder.mkdir(mode=0o700)
        _make_authority(folder, names)
        _write_key(folder / SERVER_KEY)
    else:
        ended = _check_renewable(folder, names)
    authority = _read_certificate(folder / AUTHORITY)
    server = _sign(folder, authority, names)
    _write(folder / SERVER, _pem(server) + _pem(authority), replaces=not is_new)
    return LocalCertificate(
        folder=folder,
        names=names,
        ends=server.not_valid_after_utc,
        fingerprint=fingerprint(authority),
        is_new_authority=is_new,
        ended=ended,
        put_aside=put_aside,
    )


def fingerprint(certificate: x509.Certificate) -> str:
    """Return a certificate's SHA-256 as systems show it: hexadecimal pairs with colons."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def trusting_context(data_dir: Path) -> ssl.SSLContext:
    """Return what trusts the system's authorities and the own one, for connections to crmlink."""
    context = ssl.create_default_context()
    file = data_dir / FOLDER / AUTHORITY
    if file.is_file():
        with suppress(OSError):  # a damaged one is trusted by no one
            context.load_verify_locations(file)
    return context


def _names(wanted: Iterable[str]) -> tuple[str, ...]:
    found: list[str] = []
    for text in wanted:
        bare = f"[{text}]" if ":" in text and not text.startswith("[") else text
        host = Host.from_text(bare)
        if host is None or host.port or host.is_unspecified or not _is_certifiable(host.name):
            raise UpkeepFailure("certificate-name", name=text)
        if not host.is_loopback and host.name not in found:
            found.append(host.name)
    if not found:
        raise UpkeepFailure("certificate-no-name")
    return (*found, *LOCAL_NAMES)


def _is_certifiable(name: str) -> bool:
    """Return whether it is an IP address, or a name of labels that DNS allows."""
    if _address(name) is not None:
        return True
    labels = name.split(".")
    if labels[-1].isdecimal() or _is_shared_domain(labels):
        return False  # a mistyped IP address, or what others' sites are under
    return all(
        0 < len(label) <= 63 and "_" not in label and not {label[0], label[-1]} & {"-"}
        for label in labels
    )


def _is_shared_domain(labels: list[str]) -> bool:
    """Return whether it is a domain of the internet as a whole, such as com or co.uk."""
    country = len(labels[-1]) == 2 and labels[-1].isalpha()
    if len(labels) == 1:
        return country or labels[0] in TOP_DOMAINS or labels[0].startswith("xn--")
    return len(labels) == 2 and country and labels[0] in SECOND_DOMAINS


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def _general_names(names: Iterable[str], *, as_networks: bool) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        address = _address(name)
        if address is None:
            found.append(x509.DNSName(name))
        else:
            found.append(x509.IPAddress(ipaddress.ip_network(address) if as_networks else address))
    return found


def _make_authority(folder: Path, names: tuple[str, ...]) -> None:
    key = _write_key(folder / AUTHORITY_KEY)
    # The date tells authorities apart in a system's list of trusted ones.
    subject = _subject(f"crmlink {names[0]} {utc_now():%Y-%m-%d}"[:_MAX_COMMON_NAME])
    public = key.public_key()
    constraints = x509.NameConstraints(_general_names(names, as_networks=True), None)
    certificate = (
        _builder(subject, subject, public, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(constraints, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(folder / AUTHORITY, _pem(certificate), replaces=False)


def _sign(folder: Path, authority: x509.Certificate, names: tuple[str, ...]) -> x509.Certificate:
    signing, public = _read_key(folder / AUTHORITY_KEY), _read_key(folder / SERVER_KEY).public_key()
    if signing.public_key() != authority.public_key():
        raise UpkeepFailure("certificate-unreadable", file=str(folder / AUTHORITY_KEY))
    subject = _subject(names[0][:_MAX_COMMON_NAME])
    identifier = x509.SubjectKeyIdentifier.from_public_key(signing.public_key())
    return (
        _builder(subject, authority.subject, public, SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(
            x509.SubjectAlternativeName(_general_names(names, as_networks=False)), critical=False
        )
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            critical=False,
        )
        .sign(signing, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    start = utc_now() - _CLOCKS_DIFFER
    return x509.CertificateBuilder(
        issuer, subject, public, x509.random_serial_number(), start, start + timedelta(days=days)
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _check_renewable(folder: Path, names: tuple[str, ...]) -> datetime:
    """Return when the existing certificate ends. Raises UpkeepFailure if it is another's."""
    authority, server = (_read_certificate(folder / name) for name in (AUTHORITY, SERVER))
    if authority.not_valid_after_utc < utc_now() + timedelta(days=SERVER_DAYS):
        raise UpkeepFailure(
            "certificate-authority-old", ends=f"{authority.not_valid_after_utc:%Y-%m-%d}"
        )
    alternative = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    certified = {str(name.value) for name in alternative}
    if certified != set(names):
        others = sorted(certified - set(LOCAL_NAMES))
        raise UpkeepFailure("certificate-other-names", names=", ".join(others))
    return server.not_valid_after_utc


def _put_aside(folder: Path) -> Path:
    aside = folder.with_name(f"{FOLDER}.before-{utc_now():%Y%m%dT%H%M%S}")
    folder.rename(aside)
    return aside


def _write_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = ec.generate_private_key(ec.SECP256R1())
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _write(path, text, replaces=False)
    return key


def _write(path: Path, content: bytes, *, replaces: bool) -> None:
    """Write a file of the owner's alone, whole or not at all."""
    target = path.with_name(f"{path.name}.new") if replaces else path
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if replaces else os.O_EXCL)
    with os.fdopen(os.open(target, flags, 0o600), "wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    if replaces:
        target.replace(path)


def _read_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UpkeepFailure("certificate-unreadable", file=str(path)) from error


def _read_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise UpkeepFailure("certificate-unreadable", file=str(path)) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise UpkeepFailure("certificate-unreadable", file=str(path))
    return key


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
