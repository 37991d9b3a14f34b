"""A release that indexes otherwise: what changed is refused until it is made again, the rest stays answered."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import pytest
from reindexing_world import Region, eyes, parameter

from records.definitions import official
from records.errors import UnknownParameter
from records.reindexing import formats, jobs, keeper, registry
from records.search import index
from records.search.composite import SIMPLE

pytestmark = pytest.mark.anyio
CODE = {"coding": [{"system": "http://loinc.org", "code": "718-7", "display": "Haemoglobin"}], "text": "血红蛋白"}
QUANTITY = {"value": 1.5, "unit": "g/L", "system": "http://unitsofmeasure.org", "code": "g/L"}
SAMPLES: tuple[dict[str, Any], ...] = (
    {
        "resourceType": "Patient", "id": "p", "birthDate": "1970-05", "gender": "female", "deceasedBoolean": False,
        "name": [{"family": "Müller", "given": ["Änne"]}], "telecom": [{"system": "phone", "value": "533"}],
        "identifier": [{"type": CODE, "system": "urn:x", "value": "9"}],
        "managingOrganization": {"reference": "Organization/o", "identifier": {"system": "urn:y", "value": "7"}},
    },
    {
        "resourceType": "Observation", "id": "o", "status": "final", "code": CODE, "valueQuantity": QUANTITY,
        "subject": {"reference": "Patient/p"}, "effectivePeriod": {"start": "2026-01-01", "end": "2026-02"},
        "component": [{"code": CODE, "valueQuantity": QUANTITY}],
    },
    {"resourceType": "RiskAssessment", "id": "r", "status": "final", "subject": {"reference": "Patient/p"},
     "prediction": [{"probabilityDecimal": 0.25}]},
    {"resourceType": "ValueSet", "id": "v", "status": "draft", "url": "http://example.org/v", "version": "1"},
)  # fmt: skip
# What the samples' keys of each kind came to when its format got its number.
KNOWN: Mapping[str, str] = {
    "composite": "11659e752af4",
    "date": "9c363449f117",
    "number": "5420b7fdda36",
    "quantity": "aa135fe9552e",
    "reference": "097e82cab7f0",
    "string": "5cac54c6b42e",
    "token": "b7792e36b8be",
    "uri": "a299e58416e2",
}


def marks() -> dict[str, str]:
    """A mark of the keys and sort values that the samples have, by kind of parameter."""
    found: dict[str, list[str]] = {}
    for resource in SAMPLES:
        made = index(resource)
        for code, one in official().search_parameters(resource["resourceType"]).items():
            kind = found.setdefault(one.type, [])
            kind += [key for key in made.keys if re.match(rf"{code}[^\w-]", key)]
            kind.append(f"{code} {made.sort.get(code)}")
    return {kind: hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:12] for kind, lines in found.items()}


class TestNumbers:
    def test_kinds(self) -> None:
        """Every kind of parameter has a number."""
        assert {*SIMPLE, "composite"} <= set(formats.FORMATS)

    def test_keys_are_those_of_their_numbers(self) -> None:
        """
        Where this fails the keys of a kind have changed: raise its number in FORMATS and VERSION, then write the new
        marks here. Otherwise stores that exist would be searched by keys that they do not have.
        """
        assert marks() == KNOWN


class TestFingerprints:
    def test_expression_and_format(self) -> None:
        """Another number, or another place to look, is another fingerprint; a composite has those of its parts."""
        name = official().search_parameters("Patient")["name"]
        pair = official().search_parameters("Observation")["code-value-quantity"]
        token = {**formats.FORMATS, "token": 9}

        assert formats.fingerprint(name) == formats.fingerprint(name, token)
        assert formats.fingerprint(pair) != formats.fingerprint(pair, token)
        assert formats.fingerprint(name) != formats.fingerprint(official().search_parameters("Patient")["family"])

    def test_changed(self) -> None:
        """What is new and what is other has changed; what went has not."""
        before = {"Patient": {"a": "1", "b": "1", "gone": "1"}}

        assert formats.changed(before, {"Patient": {"a": "1", "b": "2", "c": "1"}, "Group": {}}) == {
            "Patient": ["b", "c"]
        }


class TestRaised:
    async def test_new_release(self, region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
        """After a start of a release with other tokens a search by one is refused until its job is done."""
        await region.put(eyes("a") | {"gender": "female"}, parameter())
        await region.work()
        self._release(monkeypatch, {"token": 9})
        newer = region.process()

        with pytest.raises(UnknownParameter, match="gender of Patient is not answered yet"):
            await region.found("gender=female", newer)
        assert await region.found("family=王", newer) == ["a"]
        assert await region.found("eye-colour=brown", newer) == ["a"]
        job = await region.job()
        assert (job.reason, job.types) == ("definitions", ("Patient", "SearchParameter"))
        await region.work(store=newer)
        assert await region.found("gender=female", newer) == ["a"]

    async def test_added_parameters_too(self, region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
        """An added parameter of a changed kind is made again as well."""
        await region.put(eyes("a"), parameter())
        await region.work()
        self._release(monkeypatch, {"string": 9})
        newer = region.process()

        with pytest.raises(UnknownParameter, match="eye-colour of Patient is not answered yet"):
            await region.found("eye-colour=brown", newer)
        await region.work(store=newer)
        assert await region.found("eye-colour=brown&family=王", newer) == ["a"]

    async def test_nothing_stored(self, region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
        """An empty store becomes the new release's without a job."""
        self._release(monkeypatch, {"token": 9})

        assert await region.found("gender=female", region.process()) == []
        assert await region.store.parameters.jobs.newest() == []

    async def test_stores_of_the_first_release(self, region: Region) -> None:
        """What was stored before generations were counted is brought up by the migration."""
        await region.put(eyes("a") | {"gender": "female"})
        first = {"$set": {"k": ["gender=of the first release"]}, "$unset": {"g": ""}}
        await region.rows().update_one({"_id": "a"}, first)
        for name in ("search_index", "reindex_jobs"):
            await region.client[f"{region.prefix}_exchange"][name].drop()
        newer = region.process()
        with pytest.raises(UnknownParameter, match="gender of Patient is not answered yet"):
            await region.found("gender=female", newer)
        await newer.bring_up()

        assert await region.found("gender=female", newer) == ["a"]
        assert await region.rows().count_documents({"g": {"$gte": 1}}) == 1

    async def test_older_release_beside(self, region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
        """A process of the older release is not taken to know the new rules: the job waits for its end."""
        await region.put(eyes("a") | {"gender": "female"})
        older = region.process()
        async with older.parameters.kept(every=3_600):
            with monkeypatch.context() as patch:
                self._release(patch, {"token": 9})
                newer = region.process()
                await newer.parameters.refresh()
            await older.parameters.refresh()
            await older.parameters.tell()

            assert older.parameters.confirmed < newer.parameters.now.generation
            assert await newer.parameters.behind((await region.job()).generation) == 1
            with pytest.raises(UnknownParameter, match="gender of Patient is not answered yet"):
                await region.found("gender=female", older)
        assert await newer.parameters.behind((await region.job()).generation) == 0

    def _release(self, monkeypatch: pytest.MonkeyPatch, numbers: Mapping[str, int]) -> None:
        """The next release, whose keys of some kinds have another form."""
        for module in (registry, keeper, jobs):
            monkeypatch.setattr(module, "VERSION", formats.VERSION + 1)
        raised = {**formats.FORMATS, **numbers}
        monkeypatch.setattr(registry, "standard", lambda told=None: STANDARD(raised if told is None else told))
        monkeypatch.setattr(registry, "fingerprint", lambda one: FINGERPRINT(one, raised))


STANDARD, FINGERPRINT = formats.standard, formats.fingerprint
