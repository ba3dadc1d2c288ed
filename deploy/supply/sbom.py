"""The software bill of materials in CycloneDX: what is installed, its licences, its hashes, and what needs what."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deploy.supply.licences import Licence
from deploy.supply.pins import Pin

__all__ = ["APPLICATION", "sbom"]

APPLICATION = "alli-monitor"
"""The name of the distribution that the document is about."""


def sbom(version: str, pins: Iterable[Pin], licences: Mapping[str, Licence], needs: Mapping[str, Sequence[str]]) -> str:
    """
    Return a CycloneDX 1.6 document (https://cyclonedx.org/docs/1.6/json/) that depends on its arguments only.

    ``licences`` and ``needs`` are by normalized name; ``needs`` has the application too. There is no timestamp, and the
    serial number follows from the content: two documents with the same number are the same.
    """
    versions = {APPLICATION: version} | {pin.name: pin.version for pin in pins}
    references = {name: f"pkg:pypi/{name}@{versions[name]}" for name in versions}
    application = {
        "type": "application",
        "bom-ref": references[APPLICATION],
        "name": APPLICATION,
        "version": version,
        "licenses": _licences(Licence("Apache-2.0", declared=True)),
        "purl": references[APPLICATION],
    }
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": application, "properties": [{"name": "cdx:reproducible", "value": "true"}]},
        "components": [_component(pin, licences[pin.name]) for pin in pins],
        "dependencies": [
            {"ref": references[name], "dependsOn": [references[each] for each in needs[name]]} for name in versions
        ],
    }
    serial = uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(document))
    return json.dumps({"serialNumber": serial.urn, **document}, indent=1) + "\n"


def _component(pin: Pin, licence: Licence) -> dict[str, Any]:
    purl = f"pkg:pypi/{pin.name}@{pin.version}"
    files = {
        "type": "distribution",
        "url": purl,
        "comment": "the files of this release: one for each platform, and its source",
        "hashes": [{"alg": "SHA-256", "content": each} for each in pin.hashes],
    }
    return {
        "type": "library",
        "bom-ref": purl,
        "name": pin.name,
        "version": pin.version,
        "scope": "required",
        "licenses": _licences(licence),
        "purl": purl,
        "externalReferences": [files],
    }


def _licences(licence: Licence) -> list[dict[str, Any]]:
    how = "declared" if licence.declared else "concluded"
    if " " in licence.expression:
        return [{"expression": licence.expression, "acknowledgement": how}]
    return [{"license": {"id": licence.expression, "acknowledgement": how}}]
