"""`hie profile load` on a store of its own, with nothing else running."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from hie.commands import profiles
from hie.errors import Unprocessable
from hie.exchange.database import Client
from hie.settings import Settings
from records.resource_store import ResourceStore

pytestmark = pytest.mark.anyio
Json = dict[str, Any]
URL = "http://example.org/StructureDefinition/resident"
VALUE_SET: Json = {"resourceType": "ValueSet", "id": "v", "url": "http://example.org/ValueSet/v", "status": "active"}


def definition(version: str = "1", **elements: Any) -> Json:
    """A profile that asks for a date of birth."""
    return {
        "resourceType": "StructureDefinition", "id": "resident", "url": URL, "version": version, "name": "Resident",
        "status": "active", "kind": "resource", "abstract": False, "type": "Patient", "derivation": "constraint",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
        "differential": {"element": [{"id": "Patient.birthDate", "path": "Patient.birthDate", "min": 1}]}, **elements,
    }  # fmt: skip


def written(place: Path, resource: Json) -> Path:
    """A file of this resource."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(resource))
    return place


@pytest.fixture
def settings(mongo_uri: str, database_prefix: str, tmp_path: Path) -> Settings:
    return Settings(mongo_uri=mongo_uri, database_prefix=database_prefix, data_dir=tmp_path)


@pytest.fixture
def store(settings: Settings, mongo: Client) -> ResourceStore:
    return ResourceStore(mongo, settings.database_prefix)


async def loaded(settings: Settings, *places: Path) -> tuple[int, list[str]]:
    """How many were refused, and what was said."""
    said: list[str] = []
    return await profiles.load(settings, places, said.append), said


async def stored(store: ResourceStore, kind: str = "StructureDefinition") -> list[tuple[str, int, str]]:
    """Id, version in the store, business version of everything of a type."""
    return [(row.id, row.version, str(row.resource().get("version"))) async for row in store.iterate(kind)]


class TestLoad:
    async def test_file(self, settings: Settings, store: ResourceStore, tmp_path: Path) -> None:
        """A file is stored under its own id; again, it replaces itself; another version stands beside it."""
        file = written(tmp_path / "one.json", definition())
        assert await loaded(settings, file) == (0, ["1 of 1", "1 of 1 definitions are loaded."])
        written(file, definition(title="again"))
        await loaded(settings, file)
        assert await stored(store) == [("resident", 2, "1")]

        await loaded(settings, written(file, definition("2")))
        (other, first) = sorted(await stored(store), key=lambda one: one[0] == "resident")
        assert (first, other[1:]) == (("resident", 2, "1"), (1, "2"))

    async def test_folder(self, settings: Settings, store: ResourceStore, tmp_path: Path) -> None:
        """Every JSON file below a folder; what is no definition is passed over."""
        written(tmp_path / "a" / "one.json", definition())
        written(tmp_path / "a" / "b" / "two.json", VALUE_SET)
        written(tmp_path / "a" / "package.json", {"name": "x"})
        written(tmp_path / "a" / "p.json", {"resourceType": "Patient"})

        assert (await loaded(settings, tmp_path / "a"))[0] == 0
        assert (await stored(store), [one[0] for one in await stored(store, "ValueSet")]) == (
            [("resident", 1, "1")], ["v"],
        )  # fmt: skip

    async def test_package(self, settings: Settings, store: ResourceStore, tmp_path: Path) -> None:
        """An npm package, without the examples in it."""
        place = tmp_path / "p.tgz"
        with tarfile.open(place, "w:gz") as archive:
            for name, resource in (("package/a.json", definition()), ("package/example/b.json", definition("9"))):
                text = json.dumps(resource).encode()
                member = tarfile.TarInfo(name)
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text))

        assert (await loaded(settings, place))[0] == 0
        assert [one[2] for one in await stored(store)] == ["1"]

    async def test_bundle(self, settings: Settings, store: ResourceStore, tmp_path: Path) -> None:
        """A bundle of definitions."""
        bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": definition()}]}

        assert (await loaded(settings, written(tmp_path / "b.json", bundle)))[0] == 0
        assert len(await stored(store)) == 1

    async def test_refused(self, settings: Settings, store: ResourceStore, tmp_path: Path) -> None:
        """What is no valid R4 is named and left out; the others are loaded."""
        written(tmp_path / "a" / "bad.json", definition("3", status="perhaps"))
        written(tmp_path / "a" / "good.json", definition())
        refused, said = await loaded(settings, tmp_path / "a")

        assert refused == 1
        assert any("bad.json" in one and "StructureDefinition.status" in one for one in said)
        assert [one[2] for one in await stored(store)] == ["1"]

    async def test_unusable(self, settings: Settings, tmp_path: Path) -> None:
        """What cannot be used yet is loaded, and it is said why."""
        base = "http://example.org/StructureDefinition/missing"
        _, said = await loaded(settings, written(tmp_path / "a.json", definition(baseDefinition=base)))

        assert any(f"its base {base} is not known" in one for one in said)

    @pytest.mark.parametrize(("name", "text"), [("a.json", "{"), ("a.tgz", "x"), ("b.json", "{}")])
    async def test_nothing(self, settings: Settings, tmp_path: Path, name: str, text: str) -> None:
        """Files that hold no definitions are refused in a sentence."""
        (tmp_path / name).write_text(text)

        with pytest.raises(Unprocessable):
            await loaded(settings, tmp_path / name)
