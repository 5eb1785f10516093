"""The bill of materials (CycloneDX) of what a server installs, from its lock file."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

LOCKED = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>\S+)(?: ; (?P<marker>.+?))?(?: --hash.*)?$")
HASH = re.compile(r"--hash=sha256:(\w+)")


def write_bill(lock_file: Path, version: str, path: Path, moment: int) -> None:
    """Write the bill; ``moment`` is its time in seconds."""
    text = lock_file.read_text(encoding="utf-8")
    components = list(_components(text))
    product = Component(
        name="crmlink",
        version=version,
        type=ComponentType.APPLICATION,
        bom_ref="crmlink",
        purl=PackageURL("pypi", name="crmlink", version=version),
    )
    bom = Bom(
        serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"crmlink {version}\n{text}"),
        metadata=BomMetaData(component=product, timestamp=datetime.fromtimestamp(moment, UTC)),
        components=components,
    )
    bom.register_dependency(product, components)
    path.write_text(JsonV1Dot6(bom).output_as_string(indent=2) + "\n", encoding="utf-8")


def _components(text: str) -> Iterator[Component]:
    """Yield one component a line; a library may be locked to several versions, by markers."""
    for line in text.replace(" \\\n   ", "").splitlines():
        found = LOCKED.match(line)
        if found is None:
            raise ValueError(f"not a line of a lock file: {line[:80]}")
        purl = PackageURL("pypi", name=found["name"], version=found["version"])
        files = ExternalReference(
            type=ExternalReferenceType.DISTRIBUTION,
            url=XsUri(purl.to_string()),
            hashes=[HashType(alg=HashAlgorithm.SHA_256, content=one) for one in HASH.findall(line)],
        )
        marker = found["marker"]
        yield Component(
            name=found["name"],
            version=found["version"],
            bom_ref=purl.to_string(),
            purl=purl,
            external_references=[files],
            properties=[Property(name="crmlink:only-if", value=marker)] if marker else [],
        )
