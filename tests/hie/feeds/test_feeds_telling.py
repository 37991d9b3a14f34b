"""What a receiver hears: which events, about whom, and never more than it may."""

from __future__ import annotations

from feed_world import NUMBER, FeedWorld, adt, refusal

from hie.app import figures
from hie.http import metrics


class TestEvents:
    async def test_a_stay(self, world: FeedWorld) -> None:
        """Admission, move, discharge and cancellation arrive as the events they were, in order."""
        await world.feed(messages=["ADT^A01", "ADT^A02", "ADT^A03", "ADT^A11", "ADT^A08"])
        await world.send(
            adt("1"), adt("2", event="A02", place="W2^R2^2", at="20261124090000"),
            adt("3", event="A03", at="20261125100000", end="20261125100000"),
        )  # fmt: skip
        counts = await world.quiet()

        assert world.hospital.kinds == ["ADT^A01", "ADT^A02", "ADT^A03"]
        first = world.hospital.messages[0]
        assert [first.header.text(at) for at in (3, 4, 5, 6, 18)] == ["HIE", "REGION", "HIS", "H02", "UNICODE UTF-8"]
        assert (first.first("PID").text(3), first.first("PID").text(5, 2)) == ("L1", "晓梅")
        assert first.first("PV1").text(19) == "VL1"
        assert counts["sent"] == 3

    async def test_person_and_merge(self, world: FeedWorld) -> None:
        """A new person is A28, a corrected one A31, a record that is used no more A40 with both numbers."""
        await world.feed(messages=["ADT^A28", "ADT^A31", "ADT^A40"])
        await world.send(
            adt("1", event="A28"), adt("2", "L2", event="A28"),
            adt("3", event="A31", name="王^小梅", at="20261124090000"),
            adt("4", event="A40", mrg="L2", name="王^小梅", at="20261124100000"),
        )  # fmt: skip
        await world.quiet()

        first = [m.trigger for m in world.hospital.messages if m.first("PID").text(3) == "L1"]
        assert (first[:3], world.hospital.kinds.count("ADT^A28")) == (["A28", "A31", "A40"], 2)
        merge = next(message for message in world.hospital.messages if message.trigger == "A40")
        assert (merge.first("PID").text(3), merge.first("MRG").text(1)) == ("L1", "L2")
        assert merge.structure == "ADT_A39"

    async def test_linked(self, world: FeedWorld) -> None:
        """When two hospitals' records turn out to be one human, the receiver is told all numbers of its patient."""
        await world.feed(messages=["ADT^A31"], identity_links=True, known="urn:hie:authority:H02")
        await world.send(adt("1"), adt("2", "X9", sender="HIS|H02"))
        await world.quiet()

        assert world.hospital.kinds == ["ADT^A31"]
        numbers = [value[1] for value in world.hospital.messages[0].first("PID").all(3)]
        assert numbers[0] == "X9"
        assert {"L1", NUMBER} <= set(numbers)

    async def test_nothing_new(self, world: FeedWorld) -> None:
        """A repeated statement makes no message."""
        await world.feed()
        await world.send(adt("1"), adt("2", event="A08", at="20261124080001"))
        await world.quiet()

        assert world.hospital.kinds.count("ADT^A01") == 1
        assert "ADT^A08" not in world.hospital.kinds


class TestWhom:
    async def test_no_echo(self, world: FeedWorld) -> None:
        """Nothing goes back to the hospital that said it."""
        await world.feed()
        await world.send(adt("1", sender="HIS|H02"), adt("2", sender="LIS|H02", event="A08", name="王^小梅"))
        counts = await world.quiet()

        assert world.hospital.messages == []
        assert counts["echo"] >= 2

    async def test_only_known(self, world: FeedWorld) -> None:
        """Only of patients whom the receiver has a number of, and with that number."""
        await world.feed(messages=["ADT^A01", "ADT^A03"], known="urn:hie:authority:H02")
        await world.send(
            adt("1", "X9", event="A28", sender="HIS|H02"), adt("2"),
            adt("3", "L7", name="李^四", number="370303194809150175"),
        )  # fmt: skip
        counts = await world.quiet()

        assert [message.first("PID").text(3) for message in world.hospital.messages] == ["L1"]
        assert "X9" in [value[1] for value in world.hospital.messages[0].first("PID").all(3)]
        assert counts["filtered"] >= 1

    async def test_filter(self, world: FeedWorld) -> None:
        """Searches choose among events."""
        await world.feed(messages=["ADT^A01", "ADT^A04"], filter=["Encounter?class=IMP", "Patient?gender=female"])
        await world.send(
            adt("1"), adt("2", "L2", event="A04", number="370303194809150175").replace(b"PV1|1|I|", b"PV1|1|O|")
        )
        await world.quiet()

        assert [message.first("PID").text(3) for message in world.hospital.messages] == ["L1"]


class TestMay:
    async def test_refused_by_consent(self, world: FeedWorld) -> None:
        """Of a resident who refuses the receiver nothing is sent; it is counted, and no disclosure is in the trail."""
        await world.send(adt("1"))
        await world.quiet()
        await world.feed()
        await world.file(refusal(await world.patient_id()))
        await world.send(adt("2", event="A03", at="20261125100000", end="20261125100000"))
        counts = await world.quiet()

        assert world.hospital.messages == []
        assert counts["withheld"] >= 1
        assert not [one for one in await world.trail() if one["subtype"][0]["code"] == "event-notification"]

    async def test_labels(self, world: FeedWorld) -> None:
        """What is labelled as sensitive is withheld from a role that may not see it."""
        await world.feed(messages=["ADT^A08", "ADT^A04"])
        await world.send(adt("1", event="A28"))
        await world.quiet()
        patient = await world.patient_id()
        label = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}
        await world.file({
            "resourceType": "Encounter", "id": "e1", "status": "in-progress", "meta": {"security": [label]},
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
            "subject": {"reference": f"Patient/{patient}"},
        })  # fmt: skip
        counts = await world.quiet()

        assert (world.hospital.messages, counts["withheld"]) == ([], 1)

    async def test_in_the_trail_before_it_leaves(self, world: FeedWorld) -> None:
        """When the message arrives, the trail already has who got what of whom."""
        seen: list[int] = []

        async def look() -> None:
            told = [one for one in await world.trail() if one["subtype"][0]["code"] == "event-notification"]
            seen.append(len(told))

        take = world.hospital.take

        async def taking(frame: object) -> bytes | None:
            await look()
            return await take(frame)  # type: ignore[arg-type]

        assert world.hospital.server is not None
        world.hospital.server._handler = taking
        await world.feed(messages=["ADT^A01"])
        await world.send(adt("1"))
        await world.quiet()

        told = [one for one in await world.trail() if one["subtype"][0]["code"] == "event-notification"]
        assert seen == [len(told)]
        kinds = {entity["what"]["reference"].partition("/")[0] for one in told for entity in one["entity"]
                 if "reference" in entity.get("what", {})}  # fmt: skip
        assert {"Patient", "Encounter"} <= kinds
        organizations = [a["who"].get("identifier", {}).get("value") for one in told for a in one["agent"]]
        assert "370303-H02" in organizations or "urn:hie:organization|370303-H02" in organizations


class TestFigures:
    async def test_metrics(self, world: FeedWorld) -> None:
        """What was sent and what waits is on the metrics page, by feed and state."""
        await world.feed(messages=["ADT^A01"])
        await world.send(adt("1"))
        await world.quiet()
        found = metrics.page(metrics.requests(), await figures(world.services)).decode()

        assert 'hie_feed_messages{feed="h02",state="sent"} 1.0' in found
