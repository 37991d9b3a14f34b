"""Who is this, who could be meant, by which numbers is he known: over a real socket, with the asker's own rights."""

from __future__ import annotations

import asyncio

import pytest
from hl7apy.parser import parse_message
from query_world import NUMBER, OTHER, QueryWorld, admitted, head, message, said

PIX = "QBP^Q23^QBP_Q21"
PDQ = "QBP^Q22^QBP_Q21"
RCP = "RCP|I"
NAME = "IHE PIX Query"


def pix(number: str, domains: str = "", control: str = "Q1", sender: str = "HIS|H02") -> tuple[str, ...]:
    return head(PIX, control, sender), f"QPD|{NAME}|T1|{number}|{domains}", RCP


def pdq(*parameters: str, most: str = "", domains: str = "", pointer: str = "", **more: str) -> tuple[str, ...]:
    qpd = f"QPD|IHE PDQ Query|T1|{'~'.join(parameters)}|||||{domains}"
    dsc = [f"DSC|{pointer}|I"] if pointer else []
    return head(PDQ, **more), qpd, f"RCP|I|{most}", *dsc


@pytest.fixture
async def people(asked: QueryWorld) -> QueryWorld:
    """One woman known to both hospitals, one man known to one."""
    await asked.tell(
        admitted("L1", "王^晓梅", NUMBER), admitted("X9", "王^晓梅", NUMBER, sender="HIS|H02"),
        admitted("L2", "李^德厚", OTHER, birth="19480915", sex="M"),
    )  # fmt: skip
    return asked


class TestPix:
    async def test_known(self, people: QueryWorld) -> None:
        """Every other number of the same human; the name is not told."""
        answer = await people.ask(*pix("X9^^^H02^MR"))

        assert (answer.header.raw(9), *said(answer)) == ("RSP^K23^RSP_K23", "AA", "OK", "")
        pid = answer.first("PID")
        assert {value[1] for value in pid.all(3)} == {"L1", NUMBER}
        assert (pid.text(5), pid.text(5, 7)) == ("", "S")
        assert (answer.first("QAK").text(1), answer.first("QPD").raw(3)) == ("T1", "X9^^^H02^MR")

    async def test_domains(self, people: QueryWorld) -> None:
        """Only of the domains that are asked for; none there: NF, without a PID."""
        answer = await people.ask(*pix("X9^^^H02^MR", "^^^H01"))
        assert [value[1] for value in answer.first("PID").all(3)] == ["L1"]

        none = await people.ask(*pix("L2^^^H01^MR", "^^^H02"))
        assert (*said(none), none.all("PID")) == ("AA", "NF", "", ())

    @pytest.mark.parametrize(
        ("number", "domains", "place"),
        [
            ("NOBODY^^^H01^MR", "", "QPD^1^3^1^1 204"),
            ("L1^^^NOWHERE^MR", "", "QPD^1^3^1^4 204"),
            ("L1^^^H01^MR", "^^^H02~^^^NOWHERE", "QPD^1^4^2 204"),
            ("", "", "QPD^1^3^1 101"),
        ],
    )
    async def test_unknown(self, people: QueryWorld, number: str, domains: str, place: str) -> None:
        """What is not known is said with its place, as IHE has it."""
        assert said(await people.ask(*pix(number, domains))) == ("AE", "AE", place)

    async def test_refused(self, people: QueryWorld) -> None:
        """Who refuses the asker is not known to it; others still learn the number."""
        await people.refuses("L1")

        assert said(await people.ask(*pix(f"{NUMBER}^^^^NI"))) == ("AE", "AE", "QPD^1^3^1^1 204")
        assert said(await people.ask(*pix(f"{NUMBER}^^^^NI", sender="HIS|H01")))[:2] == ("AA", "OK")

    async def test_no_new_numbers(self, people: QueryWorld) -> None:
        """Q24: numbers are not given here; AR, in the answer that belongs to it."""
        answer = await people.ask(head("QBP^Q24^QBP_Q21"), f"QPD|{NAME}|T1|^^^H02", RCP)

        assert answer.header.raw(9) == "RSP^K24^RSP_K24"
        assert said(answer) == ("AR", "AR", "MSH^1^9^2 201")

    async def test_valid(self, people: QueryWorld) -> None:
        """Answers and refusals are well formed, to us and to hl7apy."""
        for lines in (pix("X9^^^H02^MR"), pix("L2^^^H01^MR", "^^^H02"), pix("NOBODY^^^H01^MR")):
            raw = await people.raw(*lines)

            assert parse_message(raw.decode()).validate()


class TestPdq:
    async def test_found(self, people: QueryWorld) -> None:
        """By name and birth date: one PID for each human, with all the numbers that may be seen."""
        answer = await people.ask(*pdq("@PID.5.1.1^王", "@PID.7.1^19850612"))

        assert (answer.header.raw(9), *said(answer)) == ("RSP^K22^RSP_K21", "AA", "OK", "")
        (pid,) = answer.all("PID")
        assert {value[1] for value in pid.all(3)} == {"L1", "X9", NUMBER}
        assert (pid.text(5), pid.text(5, 2), pid.text(8)) == ("王", "晓梅", "F")

    @pytest.mark.parametrize(
        ("parameters", "found"),
        [
            (("@PID.5.1^王晓梅",), 1), (("@PID.5.1^王*",), 1), (("@PID.5.1^晓*", ), 0), (("@PID.5.2^德*",), 1),
            (("@PID.3.1^L1", "@PID.3.4.1^H01"), 1), (("@PID.3.1^L*", "@PID.3.4.1^H01"), 2), (("@PID.3.1^L2",), 1),
            (("@PID.7^1948",), 1), (("@PID.8^M", "@PID.11.3^淄博"), 1), (("@PID.11.3^淄博",), 2), (("@PID.5.1^赵",), 0),
        ],
    )  # fmt: skip
    async def test_parameters(self, people: QueryWorld, parameters: tuple[str, ...], found: int) -> None:
        """Names of one word, beginnings, numbers with and without authority, parts of a date, places."""
        answer = await people.ask(*pdq(*parameters))

        assert (said(answer)[:2], len(answer.all("PID"))) == (("AA", "OK" if found else "NF"), found)

    async def test_pages(self, people: QueryWorld) -> None:
        """RCP-2 limits an answer; DSC tells how to go on, until nothing is left."""
        first = await people.ask(*pdq("@PID.11.3^淄博", most="1^RD"))
        qak, pointer = first.first("QAK"), first.first("DSC").text(1)
        assert ([qak.text(at) for at in (4, 5, 6)], len(first.all("PID"))) == (["2", "1", "1"], 1)

        second = await people.ask(*pdq("@PID.11.3^淄博", most="1^RD", pointer=pointer, control="Q2"))
        assert (second.first("QAK").text(6), second.all("DSC"), len(second.all("PID"))) == ("0", (), 1)
        shown = {page.first("PID").text(5) for page in (first, second)}
        assert shown == {"王", "李"}

        beyond = await people.ask(*pdq("@PID.11.3^淄博", most="1^RD", pointer="zz", control="Q3"))
        assert said(beyond)[:2] == ("AA", "NF")
        assert said(await people.ask(head("QCN^J01^QCN_J01", "Q4"), "QID|T1|IHE PDQ Query"))[0] == "AA"

    async def test_domains(self, people: QueryWorld) -> None:
        """QPD-8: who has no number of the domain is not told of, and no other numbers are."""
        answer = await people.ask(*pdq("@PID.11.3^淄博", domains="^^^H02"))

        assert [[value[1] for value in pid.all(3)] for pid in answer.all("PID")] == [["X9"]]
        assert said(await people.ask(*pdq("@PID.8^F", domains="^^^X"))) == ("AE", "AE", "QPD^1^8^1 204")

    async def test_not_sought_by(self, people: QueryWorld) -> None:
        """A field that nobody is sought by is an error, not ignored."""
        assert said(await people.ask(*pdq("@PID.5.1^王", "@PID.22^X"))) == ("AE", "AE", "QPD^1^3^2 204")
        assert said(await people.ask(*pdq(""))) == ("AE", "AE", "QPD^1^3 101")

    async def test_refused(self, people: QueryWorld) -> None:
        """A resident who refuses the asker is in no answer and in no count."""
        await people.refuses("L1")
        answer = await people.ask(*pdq("@PID.11.3^淄博"))

        assert ([pid.text(5) for pid in answer.all("PID")], answer.first("QAK").text(4)) == (["李"], "1")

    async def test_one_patient(self, people: QueryWorld) -> None:
        """Q21: the demographics of a number; and the other question under this name."""
        kind = "QBP^Q21^QBP_Q21"
        answer = await people.ask(head(kind), "QPD|Q21^Get Person Demographics^HL7nnn|T1|L1^^^H01^MR", RCP)
        assert (answer.header.raw(9), *said(answer)) == ("RSP^K21^RSP_K21", "AA", "OK", "")
        assert answer.first("PID").text(5, 2) == "晓梅"

        other = await people.ask(head(kind, "Q2"), "QPD|Q22^Find Candidates^HL70471|T1|@PID.5.1^王", RCP)
        assert len(other.all("PID")) == 1

    async def test_merged_away(self, people: QueryWorld) -> None:
        """A record that was merged away is found no more."""
        lines = ("EVN||20261125080000", "PID|1||L1^^^H01^MR", "MRG|L2^^^H01^MR")
        await people.tell(message(head("ADT^A40^ADT_A39", "M1", "HIS|H01"), *lines))

        assert said(await people.ask(*pix("L2^^^H01^MR")))[0] == "AE"


class TestTrail:
    async def test_before_it_leaves(self, people: QueryWorld) -> None:
        """Every query is in the trail with the patients it showed, in the name of the asking hospital."""
        await people.ask(*pdq("@PID.5.1^王"))
        queries = [one for one in await people.trail() if one["subtype"][0]["code"] == "search-type"]

        references = [e["what"]["reference"] for q in queries for e in q["entity"] if "reference" in e.get("what", {})]
        assert len([one for one in references if one.startswith("Patient/")]) == 2
        assert all("370303-H02" in str(one["agent"]) for one in queries)

    async def test_nothing_found(self, people: QueryWorld) -> None:
        """So is one that was refused, and one that found nobody."""
        await people.ask(*pix("NOBODY^^^H01^MR"))
        await people.ask(*pdq("@PID.5.1^赵", control="Q2"))

        queries = [one for one in await people.trail() if one["subtype"][0]["code"] == "search-type"]
        assert [one["outcome"] for one in queries] == ["4", "0"]

    async def test_journal(self, people: QueryWorld) -> None:
        """The question is kept, the answer is not; the same question again is decided again."""
        lines = pix("X9^^^H02^MR")
        assert said(await people.ask(*lines))[0] == "AA"
        await people.refuses("L1")
        # The longest that a new refusal takes to hold.
        await asyncio.sleep(1.2)
        assert said(await people.ask(*lines))[0] == "AE"

        kept = [one for one in await people.services.journal.search() if one.type == "QBP^Q23"]
        assert sorted((one.state, one.site) for one in kept) == [
            ("kept", "site-his-h02"), ("rejected", "site-his-h02"),
        ]  # fmt: skip
        assert {await people.services.journal.answer(one.id) for one in kept} == {b""}
