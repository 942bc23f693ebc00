"""What is on the card, as SPDX 2.3: every package of Debian and of Python, its version and its hash.

python sbom.py packages.lock wheels.lock WHEELS >foretone.spdx.json
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote


def packages(debian: str, python: str, ours: Path) -> Iterator[dict[str, object]]:
    """An SPDX package for each line of the locks, and for our own wheel."""
    for line in debian.splitlines():
        file, digest = line.split()
        name, version, arch = unquote(file.removesuffix(".deb")).split("_")
        yield package(name, version, digest, f"pkg:deb/debian/{name}@{quote(version)}?arch={arch}")
    for line in python.splitlines():
        name, version, digest = re.fullmatch(r"(\S+)==(\S+) --hash=sha256:(\w+)", line).groups()  # type: ignore[union-attr]
        yield package(name, version, digest, f"pkg:pypi/{name}@{version}")
    name, version, *_ = ours.name.split("-")
    yield package(name, version, hashlib.sha256(ours.read_bytes()).hexdigest(), f"pkg:pypi/{name}@{version}")


def package(name: str, version: str, digest: str, place: str) -> dict[str, object]:
    """One package, by name, version, SHA-256 and package URL."""
    return {
        "SPDXID": "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", place),
        "name": name,
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "checksums": [{"algorithm": "SHA256", "checksumValue": digest}],
        "externalRefs": [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": place}
        ],
    }


def main(debian: Path, python: Path, wheels: Path) -> None:
    """Print the document."""
    found = list(packages(debian.read_text(), python.read_text(), next(wheels.glob("foretone-*.whl"))))
    made = datetime.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), datetime.UTC)
    digest = hashlib.sha256(json.dumps(found).encode()).hexdigest()
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "foretone card",
        "documentNamespace": f"urn:foretone:card:{digest}",
        "creationInfo": {"created": f"{made:%Y-%m-%dT%H:%M:%SZ}", "creators": ["Tool: deploy/image/sbom.py"]},
        "packages": found,
    }
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
