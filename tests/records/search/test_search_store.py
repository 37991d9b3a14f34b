"""What each kind of search finds, and what it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from bson.timestamp import Timestamp
from records_world import World, component, observation, patient, quantity

from records.errors import TooCostly, UnknownParameter
from records.search.request import Request, read
from records.stored import Json

pytestmark = pytest.mark.anyio


async def people(world: World) -> None:
    await world.put(
        patient(
            "wang", gender="female", birthDate="1985-06-12",
            name=[{"text": "王晓梅", "family": "王", "given": ["晓梅"]}],
            identifier=[{"system": "urn:id", "value": "370", "type": {"coding": [{"system": "v2", "code": "NI"}]}}],
            telecom=[{"system": "phone", "value": "138"}, {"system": "email", "value": "w@example.org"}],
            managingOrganization={"reference": "Organization/h1"},
        ),
        patient("muller", name=[{"family": "Müller", "given": ["Jörg"]}], birthDate="1985", deceasedBoolean=True),
        patient("li", name=[{"family": "李", "given": ["德厚"]}], birthDate="1948-09", active=True),
        {"resourceType": "Organization", "id": "h1", "name": "中心医院"},
    )  # fmt: skip


class TestString:
    @pytest.mark.parametrize(
        ("query", "wanted"),
        [
            ("name=王", ["wang"]), ("name=王晓梅", ["wang"]), ("name=晓", ["wang"]), ("family=mull", ["muller"]),
            ("name=MÜL,李", ["li", "muller"]), ("name:exact=Müller", ["muller"]), ("name:exact=müller", []),
            ("name:contains=ülle", ["muller"]), ("name:contains=德厚", ["li"]), ("name=李德厚", ["li"]),
            ("name=梅", []),
            ("family:missing=true", []), ("name=王&family=李", []),
        ],
    )  # fmt: skip
    async def test_finds(self, world: World, query: str, wanted: list[str]) -> None:
        """Beginnings, without case and accents; whole values; parts."""
        await people(world)

        assert sorted(await world.found("Patient", query)) == wanted


class TestToken:
    @pytest.mark.parametrize(
        ("query", "wanted"),
        [
            ("identifier=urn:id|370", ["wang"]), ("identifier=370", ["wang"]), ("identifier=urn:id|", ["wang"]),
            ("identifier=|370", []), ("identifier=urn:other|370", []), ("gender=female", ["wang"]),
            ("gender=http://hl7.org/fhir/administrative-gender|female", ["wang"]),
            ("gender:not=female", ["li", "muller"]),
            ("identifier:of-type=v2|NI|370", ["wang"]), ("phone=138", ["wang"]), ("email=138", []),
            ("active=true", ["li"]), ("deceased=true", ["muller"]), ("deceased=false", ["li", "wang"]),
            ("identifier:missing=true", ["li", "muller"]), ("identifier:missing=false", ["wang"]),
        ],
    )  # fmt: skip
    async def test_finds(self, world: World, query: str, wanted: list[str]) -> None:
        """With system, without, by system alone; not; by type of identifier."""
        await people(world)

        assert sorted(await world.found("Patient", query)) == wanted

    async def test_text(self, world: World) -> None:
        """The words of a code."""
        await world.put(observation("o1", code={"coding": [{"code": "x", "display": "空腹血糖"}], "text": "Glucose"}))

        assert await world.found("Observation", "code:text=空腹") == ["o1"]
        assert await world.found("Observation", "code:text=gluc") == ["o1"]


class TestDate:
    @pytest.mark.parametrize(
        ("query", "wanted"),
        [
            ("birthdate=1985-06-12", ["wang"]), ("birthdate=1985", ["muller", "wang"]), ("birthdate=1985-06", ["wang"]),
            ("birthdate=lt1980", ["li"]), ("birthdate=ge1985-06-12", ["muller", "wang"]), ("birthdate=ne1985", ["li"]),
            ("birthdate=gt1985", []), ("birthdate=sa1984", ["muller", "wang"]), ("birthdate=eb1949", ["li"]),
            ("birthdate=ge1940&birthdate=le1950", ["li"]), ("birthdate=le1985", ["li", "muller", "wang"]),
        ],
    )  # fmt: skip
    async def test_prefixes(self, world: World, query: str, wanted: list[str]) -> None:
        """Spans of different precision compared as the standard says."""
        await people(world)

        assert sorted(await world.found("Patient", query)) == wanted

    async def test_period(self, world: World) -> None:
        """An open period reaches as far as time does."""
        visit: Json = {"resourceType": "Encounter", "id": "e1", "status": "in-progress", "class": {"code": "IMP"}}
        await world.put(visit | {"period": {"start": "2024-03-05T23:30:00+08:00"}})

        assert await world.found("Encounter", "date=ge2030") == ["e1"]
        assert await world.found("Encounter", "date=2024-03-05") == []
        assert await world.found("Encounter", "date=lt2024-03-06") == ["e1"]

    async def test_last_updated(self, world: World) -> None:
        """The store's own time."""
        await people(world)

        assert len(await world.found("Patient", "_lastUpdated=ge2020")) == 3
        assert await world.found("Patient", "_lastUpdated=lt2020") == []


class TestQuantity:
    @pytest.mark.parametrize(
        ("query", "wanted"),
        [
            ("value-quantity=5.4", ["o1"]), ("value-quantity=5", ["o1"]), ("value-quantity=5.0", []),
            ("value-quantity=5.4|http://unitsofmeasure.org|g/L", ["o1", "o2"]),
            ("value-quantity=5400|http://unitsofmeasure.org|mg/L", ["o1", "o2"]), ("value-quantity=5.4||g/L", ["o1"]),
            ("value-quantity=gt5|http://unitsofmeasure.org|g/L", ["o1", "o2"]), ("value-quantity=lt5", ["o3"]),
            ("value-quantity=5.4|http://unitsofmeasure.org|g", []), ("value-quantity=ap5.9", ["o1"]),
        ],
    )  # fmt: skip
    async def test_units(self, world: World, query: str, wanted: list[str]) -> None:
        """One amount in two units is one amount; precision counts; another dimension is another thing."""
        await world.put(
            observation("o1", valueQuantity=quantity(5.4)),
            observation("o2", valueQuantity=quantity(5400, "mg/L")),
            observation("o3", valueQuantity=quantity(-1)),
        )

        assert sorted(await world.found("Observation", query)) == wanted


class TestReference:
    @pytest.mark.parametrize(
        ("query", "wanted"),
        [
            ("subject=Patient/p1", ["o1"]), ("subject=p1", ["o1"]), ("subject:Patient=p1", ["o1"]),
            ("subject=http://127.0.0.1:8080/fhir/Patient/p1", ["o1"]), ("subject=Group/p1", []),
            ("subject=p1,p2", ["o1", "o2"]), ("patient=p1", ["o1"]),
            ("performer:identifier=urn:doc|D1", ["o2"]), ("subject:missing=true", []),
        ],
    )  # fmt: skip
    async def test_forms(self, world: World, query: str, wanted: list[str]) -> None:
        """By type and id, by id, by address, by the identifier in the reference."""
        doctor = {"identifier": {"system": "urn:doc", "value": "D1"}}
        await world.put(observation("o1", "p1"), observation("o2", "p2", performer=[doctor]))

        assert sorted(await world.found("Observation", query)) == wanted


class TestComposite:
    async def test_never_across(self, world: World) -> None:
        """A systolic of 150 is not found as a diastolic above 140."""
        pressure = observation("bp", component=[component("8480-6", 150), component("8462-4", 90)])
        await world.put(pressure)

        find = "component-code-value-quantity=http://loinc.org|"
        assert await world.found("Observation", f"{find}8480-6$gt140") == ["bp"]
        assert await world.found("Observation", f"{find}8462-4$gt140") == []
        assert await world.found("Observation", "component-code-value-quantity=8462-4$le90||mm[Hg]") == ["bp"]

    async def test_value(self, world: World) -> None:
        """Code and value of the Observation itself."""
        await world.put(observation("o1", valueQuantity=quantity(5)), observation("o2", valueQuantity=quantity(9)))

        assert await world.found("Observation", "code-value-quantity=718-7$gt7") == ["o2"]
        with pytest.raises(UnknownParameter):
            await world.found("Observation", "code-value-quantity=718-7")


class TestChains:
    async def test_forward_and_back(self, world: World) -> None:
        """What the subject is, whom an Observation speaks of, and both nested."""
        await people(world)
        await world.put(observation("o1", "wang", valueQuantity=quantity(7)), observation("o2", "li"))

        assert await world.found("Observation", "subject:Patient.name=王") == ["o1"]
        assert await world.found("Observation", "patient.organization.name=中心") == ["o1"]
        assert await world.found("Patient", "_has:Observation:patient:value-quantity=gt5") == ["wang"]
        assert await world.found("Organization", "_has:Patient:organization:_has:Observation:subject:code=718-7") == [
            "h1"
        ]


class TestIncludes:
    async def test_around(self, world: World) -> None:
        """What matches point at, what points at them, and what those point at."""
        await people(world)
        await world.put(observation("o1", "wang"), observation("o2", "li"))

        page = await world.page(
            "Observation", "_id=o1&_include=Observation:subject&_include:iterate=Patient:organization"
        )
        assert {row.reference for row in page.included} == {"Patient/wang", "Organization/h1"}
        page = await world.page("Patient", "_id=wang&_revinclude=Observation:subject&_include=*")
        assert {row.reference for row in page.included} == {"Observation/o1", "Organization/h1"}


def _request(query: str) -> Request:
    return read("Patient", [tuple(pair.split("=")) for pair in query.split("&")])  # type: ignore[misc]


class TestOrder:
    async def test_pages(self, world: World) -> None:
        """Pages in any order hold every row once, rows without a value included."""
        await world.put(
            *(patient(f"p{n:02d}", birthDate=f"19{50 + n % 3}") if n % 4 else patient(f"p{n:02d}") for n in range(23))
        )
        for sort in ("birthdate", "-birthdate", "-birthdate,-_id", "_lastUpdated", "-_id"):
            seen: list[str] = []
            cursor = None
            while True:
                page = await world.page("Patient", f"_sort={sort}&_count=4", cursor=cursor)
                seen += [row.id for row in page.matches]
                if (cursor := page.next_cursor) is None:
                    break

            assert len(seen) == len(set(seen)) == 23, sort

    async def test_back(self, world: World) -> None:
        """The previous links of the last page lead back through the same pages to the first."""
        await world.put(
            *(patient(f"p{n:02d}", birthDate=f"19{50 + n % 3}") if n % 4 else patient(f"p{n:02d}") for n in range(11))
        )
        for sort in ("birthdate", "-birthdate", "-birthdate,_id", "_lastUpdated", "-_id", "_id"):
            pages = [await world.page("Patient", f"_sort={sort}&_count=4")]
            while pages[-1].next_cursor:
                pages.append(await world.page("Patient", f"_sort={sort}&_count=4", cursor=pages[-1].next_cursor))
            back = [pages[-1]]
            while back[-1].previous_cursor:
                back.append(await world.page("Patient", f"_sort={sort}&_count=4", cursor=back[-1].previous_cursor))

            assert [one.matches for one in reversed(back)] == [one.matches for one in pages], sort
            assert (pages[0].previous_cursor, len(pages)) == (None, 3)
            again = await world.page("Patient", f"_sort={sort}&_count=4", cursor=back[-1].next_cursor)
            assert again.matches == pages[1].matches, sort

    async def test_back_in_no_order(self, world: World) -> None:
        """Also where no order was asked for and the type has no date."""
        await world.put(*(patient(f"p{n}") for n in range(5)))
        first = await world.page("Patient", "_count=2")
        second = await world.page("Patient", "_count=2", cursor=first.next_cursor)
        before = await world.page("Patient", "_count=2", cursor=second.previous_cursor)

        assert before.matches == first.matches

    async def test_back_at_one_moment(self, world: World) -> None:
        """Going back shows what the page showed, whatever was written or deleted meanwhile."""
        await world.put(*(patient(f"p{n}", birthDate=f"195{n}") for n in range(6)))
        first = await world.page("Patient", "_sort=birthdate&_count=3")
        second = await world.page("Patient", "_sort=birthdate&_count=3", cursor=first.next_cursor)
        await world.put(patient("p9", birthDate="1951"), patient("p0", birthDate="1970"))
        before = await world.page("Patient", "_sort=birthdate&_count=3", cursor=second.previous_cursor)

        assert before.matches == first.matches

    async def test_back_to_nothing(self, world: World) -> None:
        """A link of long ago, where all that came before is gone, leads to the beginning."""
        await world.put(*(patient(f"p{n}", birthDate=f"195{n}") for n in range(4)))
        first = await world.page("Patient", "_sort=birthdate&_count=2")
        second = await world.page("Patient", "_sort=birthdate&_count=2", cursor=first.next_cursor)
        asked = _request("_sort=birthdate&_count=2")
        sealed = await world.store._cursors.open(second.previous_cursor or "", asked, "")
        old = await world.store._cursors.seal(replace(sealed, at=Timestamp(1, 1)), asked, "")
        await world.put(patient("p0", birthDate="1970"), patient("p1", birthDate="1971"))
        found = await world.page("Patient", "_sort=birthdate&_count=2", cursor=old)

        assert ([row.id for row in found.matches], found.previous_cursor) == (["p2", "p3"], None)

    async def test_one_moment(self, world: World) -> None:
        """What is written between two pages neither repeats a row nor hides one."""
        await world.put(*(patient(f"p{n}", birthDate=f"195{n}") for n in range(6)))
        first = await world.page("Patient", "_sort=birthdate&_count=3")
        await world.put(*(patient(f"p{n}", birthDate=f"19{year}") for n, year in ((5, 40), (9, 59), (1, 58))))
        rest = await world.page("Patient", "_sort=birthdate&_count=9", cursor=first.next_cursor)

        assert [row.id for row in (*first.matches, *rest.matches)] == [f"p{n}" for n in range(6)]
        assert [row.version for row in rest.matches] == [1, 1, 1]

    async def test_moment_gone(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """A page link of long ago goes on behind the last row, over what is there now."""
        await world.put(*(patient(f"p{n}", birthDate=f"195{n}") for n in range(6)))
        first = await world.page("Patient", "_sort=birthdate&_count=3")
        await world.put(patient("p9", birthDate="1959"))
        sealed = await world.store._cursors.open(first.next_cursor or "", _request("_sort=birthdate&_count=3"), "")
        old = await world.store._cursors.seal(replace(sealed, at=Timestamp(1, 1)), _request("_sort=birthdate"), "")
        rest = await world.page("Patient", "_sort=birthdate&_count=9", cursor=old)

        assert [row.id for row in rest.matches] == ["p3", "p4", "p5", "p9"]

    async def test_newest_first(self, world: World) -> None:
        """Where no order is asked for, what is dated comes newest first, and what is not dated last."""
        await world.put(
            patient("p"), observation("a", effectiveDateTime="2024-01-01"), observation("b"),
            observation("c", effectiveDateTime="2024-03"),
        )  # fmt: skip

        assert await world.found("Observation", "") == ["c", "a", "b"]

    async def test_pinyin(self, world: World) -> None:
        """Chinese names in the order of their sound."""
        await people(world)

        assert await world.found("Patient", "_sort=family&family=王,李") == ["li", "wang"]
        assert await world.found("Patient", "_sort=-family&family=王,李") == ["wang", "li"]

    async def test_totals(self, world: World) -> None:
        """The total is of all rows, whatever the page."""
        await world.put(*(patient(f"p{n}") for n in range(7)))

        assert (await world.page("Patient", "_count=3&_total=accurate")).total == 7
        assert (await world.page("Patient", "_summary=count")).total == 7
        assert (await world.page("Patient", "_count=3&_total=none")).total is None


class TestRefusals:
    @pytest.mark.parametrize(
        "query",
        [
            "nam=x", "name:fuzzy=x", "gender:exact=x", "birthdate=yesterday", "_sort=nothing", "_count=many", "name=",
            "_include=Observation:nothing", "_total=some", "_has:Observation:nothing:code=x", "name.x=y", "_content=x",
            "general-practitioner.nothing=x", "birthdate:missing=maybe", "identifier=a|b|c",
        ],
    )  # fmt: skip
    async def test_refused(self, world: World, query: str) -> None:
        """What cannot be answered is never passed over."""
        with pytest.raises(UnknownParameter):
            await world.page("Patient", query)

    async def test_meant(self, world: World) -> None:
        """The refusal says what was perhaps meant; a lenient search goes on and shows what it applied."""
        with pytest.raises(UnknownParameter, match="birthdate"):
            await world.page("Patient", "birthdat=1985")
        page = await world.page("Patient", "birthdat=1985&gender=male", lenient=True)

        assert page.applied == (("gender", "male"),)

    async def test_foreign_cursor(self, world: World) -> None:
        """A page link of elsewhere is refused."""
        with pytest.raises(UnknownParameter):
            await world.page("Patient", "", cursor="nowhere")

    async def test_somebody_elses_cursor(self, world: World) -> None:
        """A page link holds for the search and for the caller that it was made for."""
        await world.put(*(patient(f"p{n}", birthDate="1950") for n in range(4)))
        page = await world.store.search("Patient", (("_count", "2"),), owner="wang")
        asked = (("_count", "3"),)

        assert len((await world.store.search("Patient", asked, owner="wang", cursor=page.next_cursor)).matches) == 2
        for owner, params in (("li", asked), ("wang", (*asked, ("gender:not", "male")))):
            with pytest.raises(UnknownParameter):
                await world.store.search("Patient", params, owner=owner, cursor=page.next_cursor)

    async def test_costly(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """A chain over more than the limit is refused, not cut."""
        monkeypatch.setattr("records.search.run.MOST_INNER", 2)
        await world.put(*(patient(f"p{n}", gender="male") for n in range(3)))
        with pytest.raises(TooCostly):
            await world.found("Observation", "subject:Patient.gender=male")


class TestEveryParameter:
    async def test_by_index(self, world: World) -> None:
        """A search by key runs by the index of the keys, and never over the whole collection."""
        await people(world)
        collection = world.store.collections.of("Patient")
        for condition in ({"k": "gender:female"}, {"k": {"$regex": "^name~wang"}}):
            plan = await collection.find(condition).explain()
            assert "COLLSCAN" not in str(plan["queryPlanner"]["winningPlan"])
