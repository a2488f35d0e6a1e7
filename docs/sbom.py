"""What is installed to run bayescsc, with versions and licences: a CycloneDX 1.6 document, on standard output.

The same environment gives the same bytes: the document has no time, and its serial number is a digest of its content.
"""

from __future__ import annotations

import json
import tomllib
import uuid
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = "bayescsc"
PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
LONGEST = 100
"""Characters of a licence's name; what is longer is its text."""


def installed(root: str) -> dict[str, tuple[Distribution, list[str]]]:
    """Every distribution that one needs here, by name, with the names of those that it needs itself."""
    found: dict[str, tuple[Distribution, list[str]]] = {}
    waiting = [(root, frozenset[str]())]
    seen = set()
    while waiting:
        name, extras = waiting.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            known = distribution(name)
        except PackageNotFoundError:
            raise SystemExit(f"{name} is needed and not installed; run `make setup` first") from None
        needed = found.setdefault(name, (known, []))[1]
        # what is installed of this project itself may be of before a change of its own requirements
        for requirement in map(Requirement, declared() if name == ROOT else known.requires or ()):
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                other = canonicalize_name(requirement.name)
                needed.append(other)
                waiting.append((other, frozenset(requirement.extras)))
    return found


def declared() -> list[str]:
    """What this project says that it needs."""
    needed: list[str] = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]["dependencies"]
    return needed


def licences(known: Distribution) -> list[dict[str, Any]]:
    """Licences as CycloneDX has them: the SPDX expression where there is one, else names."""
    about: Any = known.metadata
    if expression := about.get("License-Expression"):
        return [{"expression": expression}]
    named = [c.rsplit(" :: ", 1)[-1] for c in about.get_all("Classifier") or () if c.startswith("License ::")]
    stated = (about.get("License") or "").strip()
    names = [stated] if stated and "\n" not in stated and len(stated) <= LONGEST else named
    return [{"license": {"name": name}} for name in dict.fromkeys(names)]


def reference(known: Distribution) -> str:
    """The package's URL, by which the document refers to it."""
    return f"pkg:pypi/{canonicalize_name(known.name)}@{known.version}"


def document(root: str = ROOT) -> dict[str, Any]:
    """Return the whole document."""
    found = installed(root)
    parts = {
        name: {
            "type": "application" if name == root else "library", "bom-ref": reference(known), "name": known.name,
            "version": known.version, "purl": reference(known), "licenses": licences(known),
        }
        for name, (known, _) in sorted(found.items())
    }  # fmt: skip
    graph = [
        {"ref": parts[name]["bom-ref"], "dependsOn": sorted({str(parts[other]["bom-ref"]) for other in found[name][1]})}
        for name in parts
    ]
    whole: dict[str, Any] = {
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,
        "metadata": {"component": parts[root]},
        "components": [part for name, part in parts.items() if name != root],
        "dependencies": graph,
    }  # fmt: skip
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(whole, sort_keys=True))
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": f"urn:uuid:{serial}"} | whole


if __name__ == "__main__":
    print(json.dumps(document(), indent=2, ensure_ascii=True))
