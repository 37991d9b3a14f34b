"""A site's own ways: fields that stand elsewhere, what is left out, local events, segments that no standard knows."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.errors import Unsupported
from adapters.facts import Translation
from adapters.hl7v2 import acceptance, parser, to_fhir
from adapters.hl7v2.mapping.model import Row
from adapters.hl7v2.mapping.paths import Step
from adapters.hl7v2.mapping.scope import Reference
from adapters.hl7v2.message import Message
from adapters.hl7v2.preparing import prepared
from adapters.hl7v2.site import FieldDefault, FieldMove, Site, ZField
from adapters.hl7v2.to_fhir.reporting import report

TEXT = (
    "MSH|^~\\&|HIS|A|HIE|ZB|20260301080000||{}|1|P|2.4\rEVN||20260301080000\r"
    "PID|1||L1^^^A^MR||王^晓梅||19850612|F|||||||||||370303198506120028\r"
    "PV1|1||W1-2-3||||||||||||||||V1\rZPD|1||A^A型^L|x\r"
)
EXTENSION = Step("extension", "Extension", True, 1)
BLOOD = ZField(
    "ZPD", "Patient",
    (
        Row("ZPD-3", "url", (EXTENSION, Step("url", "uri")), value='"urn:hie:blood"'),
        Row(
            "ZPD-3", "value", (EXTENSION, Step("valueCodeableConcept", "CodeableConcept")),
            through="CWE[CodeableConcept]",
        ),
    ),
)  # fmt: skip


def message(site: Site, kind: str = "ADT^A01", text: str = TEXT) -> Message:
    return parser.parse(text.format(kind).encode(), site=site)


def translated(site: Site, kind: str = "ADT^A01") -> Translation:
    received = datetime(2026, 3, 1, 4, tzinfo=UTC)
    return to_fhir.translate(message(site, kind), site=site, received=received, reference="m1")


def one(translation: Translation, kind: str) -> dict[str, Any]:
    return next(fact.resource for fact in translation.facts if fact.type == kind)


def move(source: str, *to: str, **more: Any) -> FieldMove:
    return FieldMove(Reference.of(source), tuple(map(Reference.of, to)), **more)


class TestMoves:
    def test_appended(self) -> None:
        """The number in PID-19 becomes a typed repetition of PID-3, and leaves PID-19."""
        site = Site("a", moves=(move("PID-19", "PID-3", append=True, type="NI"),))
        pid = prepared(message(site), site).first("PID")

        assert [(value[1], value[5]) for value in pid.all(3)] == [("L1", "MR"), ("370303198506120028", "NI")]
        assert not pid.all(19)

    def test_divided(self) -> None:
        """A place in one text is divided by the groups of a pattern; one that does not match stays whole."""
        pattern = re.compile(r"(\w+)-(\w+)-(\w+)")
        site = Site("a", moves=(move("PV1-3", "PV1-3.1", "PV1-3.2", "PV1-3.3", pattern=pattern),))
        place = prepared(message(site), site).first("PV1")[3]
        whole = prepared(message(site, text=TEXT.replace("W1-2-3", "W1")), site).first("PV1")[3]

        assert [place[n] for n in (1, 2, 3)] == ["W1", "2", "3"]
        assert [whole[n] for n in (1, 2)] == ["W1", ""]

    def test_only_where_nothing_is(self) -> None:
        """What the field already says is never replaced, and then nothing leaves its place."""
        site = Site("a", moves=(move("PID-19", "PID-8"),))
        pid = prepared(message(site), site).first("PID")

        assert pid.text(8) == "F"
        assert pid.text(19) == "370303198506120028"

    def test_from_another_segment(self) -> None:
        """A field of the site's own segment goes to the segment before it."""
        site = Site("a", moves=(move("ZPD-4", "PV1-10"),))

        assert prepared(message(site), site).first("PV1").text(10) == "x"

    def test_pure(self) -> None:
        """The message as it came is not changed."""
        site = Site("a", moves=(move("PID-19", "PID-3", append=True, type="NI"),))
        came = message(site)
        prepared(came, site)

        assert came.first("PID").text(19) == "370303198506120028"
        assert prepared(came, Site("a")) is came


class TestDefaults:
    def test_filled(self) -> None:
        """A field that is left out is what the site always means; one that is sent stays."""
        site = Site("a", defaults=(FieldDefault(Reference.of("PV1-2"), "I"), FieldDefault(Reference.of("PID-8"), "U")))
        done = prepared(message(site), site)

        assert (done.first("PV1").text(2), done.first("PID").text(8)) == ("I", "F")

    def test_component(self) -> None:
        """A part of each repetition is filled where it is missing."""
        site = Site("a", defaults=(FieldDefault(Reference.of("PID-3.5"), "MR"),))
        text = TEXT.replace("L1^^^A^MR", "L1^^^A~L2^^^B^PI")
        pid = prepared(message(site, text=text), site).first("PID")

        assert [value[5] for value in pid.all(3)] == ["MR", "PI"]


class TestEvents:
    def test_local(self) -> None:
        """A local event is read as the one that is meant, with its structure."""
        site = Site("a", events={"ADT^ZA1": "ADT^A01"})

        assert message(site, "ADT^ZA1").type == "ADT^A01"
        assert message(site, "ADT^ZA1").structure == "ADT_A01"
        assert translated(site, "ADT^ZA1").translated
        assert not translated(Site("a"), "ADT^ZA1").translated

    def test_missing(self) -> None:
        """A type without event has the one that the site means by it."""
        assert message(Site("a", events={"ADT": "ADT^A08"}), "ADT").type == "ADT^A08"

    def test_ignored(self) -> None:
        """What a site's profile ignores is kept without being translated, and nothing is counted."""
        translation = translated(Site("a", ignores=("ADT^*",)))

        assert (translation.translated, translation.facts, translation.unmapped) == (False, (), ())
        assert translation.subjects

    def test_accepted(self) -> None:
        """Types and processing ids beyond the profile's are refused with AR."""
        header = parser.read_header(TEXT.format("ADT^A01").encode())
        acceptance.check(header, Site("a", accepts=("ORU^R01", "ADT^*"), processing=("P",)))

        with pytest.raises(Unsupported, match="type"):
            acceptance.check(header, Site("a", accepts=("ORU^R01",)))
        with pytest.raises(Unsupported, match="processing"):
            acceptance.check(header, Site("a", processing=("T",)))


class TestZFields:
    def test_placed(self) -> None:
        """A Z field goes to its element; what else the segment has is counted by field, and the segment no more."""
        translation = translated(Site("a", z_fields=(BLOOD,)))
        patient = one(translation, "Patient")
        (blood,) = [e for e in patient["extension"] if e["url"] == "urn:hie:blood"]
        kept = {(u.kind, u.location) for u in translation.unmapped if u.location.startswith("ZPD")}

        assert blood["valueCodeableConcept"]["coding"][0]["code"] == "A"
        assert kept == {("code", "ZPD-3"), ("field", "ZPD-1"), ("field", "ZPD-4")}

    def test_unknown(self) -> None:
        """Without the profile the segment is kept, and counted as one."""
        kept = [(u.kind, u.location) for u in translated(Site("a")).unmapped if u.location.startswith("ZPD")]

        assert kept == [("segment", "ZPD")]


class TestReport:
    def test_lines(self) -> None:
        """Each field says where it went: to elements, elsewhere in the message, or nowhere yet."""
        site = Site("a", z_fields=(BLOOD,), moves=(move("PID-19", "PID-3", append=True, type="NI"),))
        came = message(site)
        translation = to_fhir.translate(came, site=site, received=datetime(2026, 3, 1, tzinfo=UTC), reference="m")
        told = {line.location: line for line in report(came, site, translation).lines}

        assert told["PID-5"].elements == ("Patient.name",)
        assert told["PID-5"].name == "Patient Name"
        assert told["PID-19"].state == "moved"
        assert told["ZPD-3"].elements == ("Patient.extension(urn:hie:blood)",)
        assert told["ZPD-4"].state == "kept"
        assert told["MSH-9"].state == "envelope"
        assert told["ZPD-3"].codes == (("urn:hie:code-system:a:L", "A"),)

    def test_all_kept(self) -> None:
        """Of a message without translation every field is kept."""
        came = message(Site("a"), "ADT^ZA1")
        translation = to_fhir.translate(came, site=Site("a"), received=datetime(2026, 3, 1, tzinfo=UTC), reference="m")
        found = report(came, Site("a"), translation)

        assert not found.translated
        assert {line.state for line in found.lines if not line.location.startswith("MSH")} == {"kept"}
        assert len(found.kept()) > 5
