"""A card from its first diagnosis to its report, with repeats, second hospitals, races and what was taken back."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from public_health_world import AUTHOR, COMPLETE, H2, NOW, NUMBER, World, diagnosis, patient, result

from hie.applications.public_health import use_cases
from hie.applications.public_health.queries import steps
from hie.errors import Unprocessable
from records.errors import Conflict, NotFound
from records.stored import Write
from records.validation import validate

HOUR = timedelta(hours=1)


class TestDraft:
    async def test_class_a(self, region: World) -> None:
        """Cholera is due two hours after the diagnosis, and stands first."""
        await region.tell(patient("p1"), diagnosis("c1", "p1", "A00.9", ago=HOUR))
        card = await region.card()

        assert (card.disease_name, card.state, card.urgent) == ("霍乱", "draft", True)
        assert card.due == NOW + HOUR
        assert (card.facility, card.district) == ("Organization/h1", "370303")

    async def test_laboratory(self, region: World) -> None:
        """A positive result is a confirmed case, due in a day."""
        await region.tell(patient("p1"), result("o1", "p1", "54905-5", "阳性"))
        card = await region.card()

        assert (card.disease, card.case_class, card.basis) == ("3900", "2", "laboratory")
        assert card.due == NOW + 24 * HOUR

    async def test_prefilled(self, region: World) -> None:
        """What the exchange knows of the person is on the card, also from other records of the same human."""
        home = {"telecom": [{"system": "phone", "value": "0533-2788000"}], "address": [{"text": "淄博市临淄区某街1号"}]}
        await region.tell(patient("p2", number=NUMBER, place=H2, **home))
        await region.tell(patient("p1", number=NUMBER), diagnosis("c1", "p1", "A23.9", onsetDateTime="2026-11-20"))
        values = (await region.open()).values

        assert values["name"] == "王晓梅"
        assert (values["id_number"], values["sex"], values["birth"]) == (NUMBER, "2", "1985-06-12")
        assert (values["phone"], values["district"]) == ("0533-2788000", "370305")
        assert (values["facility"], values["onset"]) == ("淄博市中心医院", "2026-11-20")
        assert values["diagnosed"] == "2026-11-24T10:00"

    async def test_repeat(self, region: World) -> None:
        """The same diagnosis told again, or corrected, adds no card and no step."""
        told = diagnosis("c1", "p1", "A00.9")
        await region.tell(patient("p1"), told)
        await region.tell(told | {"note": [{"text": "补充"}]})

        card = await region.card()
        assert card.evidence == ("Condition/c1",)
        assert [one.code for one in await steps(region.reader, card)] == ["drafted"]

    async def test_second_hospital(self, region: World) -> None:
        """The same human and disease elsewhere joins the card; an earlier diagnosis brings its limit forward."""
        await region.tell(patient("p1", number=NUMBER), patient("p2", number=NUMBER, place=H2))
        await region.tell(diagnosis("c1", "p1", "A23.9", ago=HOUR))
        await region.tell(diagnosis("c2", "p2", "A23.9", ago=3 * HOUR))

        card = await region.card()
        assert card.evidence == ("Condition/c1", "Condition/c2")
        assert card.due == NOW + 21 * HOUR
        assert [one.code for one in await steps(region.reader, card)][-1:] == ["drafted"]

    async def test_diagnosis_and_result(self, region: World) -> None:
        """A result of the illness that is on a card already is kept with it."""
        await region.tell(patient("p1"), diagnosis("c1", "p1", "A08.1"), result("o1", "p1", "54905-5", "阳性"))

        assert (await region.card()).evidence == ("Condition/c1", "Observation/o1")

    async def test_next_episode(self, region: World) -> None:
        """Influenza two months later is another illness, with a card of its own."""
        await region.tell(patient("p1"), diagnosis("c1", "p1", "J10.1"))
        region.clock.at = NOW + timedelta(days=60)
        await region.tell(diagnosis("c2", "p1", "J10.1", ago=-timedelta(days=60)))

        assert [card.evidence for card in await region.cards()] == [("Condition/c1",), ("Condition/c2",)]

    async def test_history(self, region: World) -> None:
        """A diagnosis of last year, newly imported, drafts nothing."""
        await region.tell(patient("p1"), diagnosis("c1", "p1", "B16.9", ago=timedelta(days=300)))

        assert await region.cards() == []

    async def test_at_once(self, region: World) -> None:
        """Of two processes that hear of one illness at once, one drafts and the other is told to begin anew."""
        await region.tell(patient("p1"))
        told = [diagnosis(name, "p1", "A00.9") for name in ("c1", "c2")]
        await region.work.file([Write("update", "Condition", one["id"], one) for one in told], "test")
        rows = [await region.store.read("Condition", name) for name in ("c1", "c2")]
        outcomes = await asyncio.gather(*(use_cases.draft(region.work, row) for row in rows), return_exceptions=True)

        assert len([one for one in outcomes if isinstance(one, Conflict)]) <= 1
        await region.deliver()
        assert (await region.card()).evidence in (("Condition/c1", "Condition/c2"), ("Condition/c2", "Condition/c1"))

    async def test_sensitive(self, region: World) -> None:
        """A card about HIV carries its label, on each of its parts and through every step."""
        await region.tell(patient("p1"), diagnosis("c1", "p1", "B24"))
        await region.report(COMPLETE)
        opened = await region.open()
        provenances = await region.reader.all("Provenance", ("target", f"Task/{opened.card.id}"))

        for resource in (opened.task, opened.response.resource(), *provenances):
            assert [one["code"] for one in resource["meta"]["security"]] == ["HIV"]


class TestWithdraw:
    async def test_entered_in_error(self, region: World) -> None:
        """A diagnosis that was taken back marks the card; a person decides. Told twice, it marks once."""
        await region.tell(patient("p1"), diagnosis("c1", "p1", "A00.9"))
        for _ in range(2):
            await region.tell(diagnosis("c1", "p1", "A00.9", verified="entered-in-error"))

        card = await region.card()
        assert card.source_withdrawn
        assert card.state == "draft"
        assert sorted(one.code for one in await steps(region.reader, card)) == ["drafted", "withdrawn"]

    async def test_corrected_result(self, region: World) -> None:
        """A result that was corrected to negative marks the card as well."""
        await region.tell(patient("p1"), result("o1", "p1", "54905-5", "阳性"))
        await region.tell(result("o1", "p1", "54905-5", "阴性", status="corrected"))

        assert (await region.card()).source_withdrawn

    async def test_reported_already(self, region: World) -> None:
        """What was reported stays as it was reported."""
        await region.tell(patient("p1"), diagnosis("c1", "p1", "A00.9"))
        await region.report()
        await region.tell(diagnosis("c1", "p1", "A00.9", verified="refuted"))

        assert not (await region.card()).source_withdrawn


class TestReport:
    async def test_in_time(self, region: World) -> None:
        """A complete card is reported: who, when, and in time."""
        await region.tell(patient("p1"), diagnosis("c1", "p1", "A00.9"))
        region.clock.at = NOW + HOUR
        outcome = await region.report()

        card = await region.card()
        assert outcome.done
        assert (card.state, card.reported, card.in_time) == ("reported", NOW + HOUR, True)
        newest = (await steps(region.reader, card))[0]
        assert (newest.code, newest.who, newest.at) == ("reported", "孙医师", NOW + HOUR)
        assert (await region.open()).response.resource()["status"] == "completed"

    async def test_late(self, region: World) -> None:
        """After its moment it is reported, and late."""
        await region.tell(patient("p1"), diagnosis("c1", "p1", "A00.9"))
        region.clock.at = NOW + 3 * HOUR
        assert (await region.card()).is_overdue(region.clock.at)
        await region.report()

        assert (await region.card()).in_time is False

    async def test_incomplete(self, region: World) -> None:
        """What is missing is said by field, and nothing is written."""
        await region.tell(patient("p1"), diagnosis("c1", "p1", "A00.9"))
        outcome = await region.report({})

        assert not outcome.done
        assert {"phone", "occupation", "onset"} <= set(outcome.errors)
        assert (await region.open()).row.version == 1

    async def test_saved(self, region: World) -> None:
        """An incomplete card can be kept for later; its district is counted at once."""
        await region.tell(patient("p1"), diagnosis("c1", "p1", "A00.9"))
        outcome = await region.report({"phone": "13800000000", "district": "370323"}, report=False)

        opened = await region.open()
        assert outcome.done
        assert (opened.card.state, opened.card.district) == ("draft", "370323")
        assert opened.values["phone"] == "13800000000"

    async def test_other_diagnosis_time(self, region: World) -> None:
        """A diagnosis that the physician corrects moves the limit, and the step says who did it."""
        await region.tell(patient("p1"), diagnosis("c1", "p1", "A00.9"))
        await region.report({"diagnosed": "2026-11-24T08:00"}, report=False)

        card = await region.card()
        assert card.due == NOW
        assert (await steps(region.reader, card))[0].code == "saved"

    async def test_lost_race(self, region: World) -> None:
        """Who saw an older version is told, and changes nothing."""
        await region.tell(patient("p1"), diagnosis("c1", "p1", "A00.9"))
        opened = await region.open()
        await region.report()
        with pytest.raises(Conflict):
            await use_cases.save(region.work, opened, COMPLETE, version=opened.row.version, author=AUTHOR, report=True)
        fresh = await region.open()
        with pytest.raises(Conflict):
            await use_cases.decide(region.work, fresh, "return", "有误", version=1, author=AUTHOR)

        assert len(await steps(region.reader, await region.card())) == 2

    async def test_reported_twice(self, region: World) -> None:
        """A card that is reported takes no second report."""
        await region.tell(patient("p1"), diagnosis("c1", "p1", "A00.9"))
        await region.report()
        with pytest.raises(Unprocessable):
            await region.report()


class TestFhir:
    async def test_valid(self, region: World) -> None:
        """Everything that a card leaves behind on its way is valid R4."""
        await region.tell(patient("p1"), diagnosis("c1", "p1", "A00.9"), diagnosis("c2", "p1", "A00.9"))
        await region.report()
        opened = await region.open()
        await use_cases.decide(region.work, opened, "return", "地址不详", version=opened.row.version, author=AUTHOR)

        for kind in ("Task", "QuestionnaireResponse", "Provenance"):
            for resource in await region.reader.all(kind):
                assert validate(resource) == []


class TestDecide:
    async def test_returned_and_corrected(self, region: World) -> None:
        """Sent back after its report, it becomes a correction, and keeps the moment of its first report."""
        await region.tell(patient("p1"), diagnosis("c1", "p1", "A00.9"))
        await region.report()
        opened = await region.open()
        region.clock.at = NOW + 30 * HOUR
        await use_cases.decide(region.work, opened, "return", "地址不详", version=opened.row.version, author=AUTHOR)
        returned = await region.card()
        assert (returned.state, returned.reason) == ("returned", "地址不详")
        assert not returned.is_overdue(region.clock.at)

        await region.report({"address": "张店区公园街道2号"})
        card, opened = await region.card(), await region.open()
        assert (card.reported, card.in_time, card.reason) == (NOW, True, "")
        assert opened.values["kind"] == "2"
        assert opened.response.resource()["status"] == "amended"

    async def test_dismissed(self, region: World) -> None:
        """Dismissed with a reason, it stays; a new finding of the disease drafts another one."""
        await region.tell(patient("p1"), diagnosis("c1", "p1", "A00.9"))
        opened = await region.open()
        await use_cases.decide(region.work, opened, "dismiss", "实验室排除", version=opened.row.version, author=AUTHOR)
        await region.tell(diagnosis("c1", "p1", "A00.9"))
        assert (await region.card()).state == "dismissed"

        await region.tell(result("o1", "p1", "", "霍乱弧菌") | {"code": {"text": "粪便培养"}})
        assert sorted(card.state for card in await region.cards()) == ["dismissed", "draft"]

    async def test_taken_up_again(self, region: World) -> None:
        """A dismissal by mistake is taken back, and the limit is still the old one."""
        await region.tell(patient("p1"), diagnosis("c1", "p1", "A00.9"))
        for action in ("dismiss", "reopen"):
            opened = await region.open()
            await use_cases.decide(region.work, opened, action, "误操作", version=opened.row.version, author=AUTHOR)

        card = await region.card()
        assert (card.state, card.due) == ("draft", NOW + 2 * HOUR)

    async def test_without_reason(self, region: World) -> None:
        """No reason, no step."""
        await region.tell(patient("p1"), diagnosis("c1", "p1", "A00.9"))
        opened = await region.open()
        with pytest.raises(Unprocessable):
            await use_cases.decide(region.work, opened, "dismiss", " ", version=opened.row.version, author=AUTHOR)

    async def test_another_task(self, region: World) -> None:
        """A Task that is no card is not found here."""
        other = {
            "resourceType": "Task", "id": "t1", "status": "requested", "intent": "order",
            "code": {"coding": [{"system": "urn:hie:task", "code": "hypertension-follow-up"}]},
        }  # fmt: skip
        await region.tell(other)
        with pytest.raises(NotFound):
            await use_cases.open_card(region.work, region.reader, "t1")
