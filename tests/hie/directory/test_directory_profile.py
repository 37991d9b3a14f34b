"""The profile of a site as YAML: what it says, and what is wrong with it by line."""

from __future__ import annotations

import pytest

from adapters.hl7v2.mapping.scope import Reference
from adapters.hl7v2.site import Limits, Site
from hie.directory.local_fields import z_field
from hie.directory.profile import read
from hie.directory.resolving import names_of, resolves
from hie.directory.yaml_lines import Invalid
from hie.errors import Unprocessable

WHOLE = """
sender: HIS|H01
organization: o1
charset: GB18030
zone: Asia/Urumqi
authority: urn:oid:1.2.3
authorities: {ZBYY: "urn:oid:1.2.3.4", CARD: https://card.example/ids}
codes:
  HL70004:
    住院: {system: "http://terminology.hl7.org/CodeSystem/v3-ActCode", code: IMP, display: 住院}
    "01": ["http://terminology.hl7.org/CodeSystem/v3-ActCode", AMB, 门诊]
snapshot: true
visit_by: [PV1-50, PV1-19]
moves:
  - {from: PID-19, to: PID-3, type: NI}
  - {from: PV1-3, to: [PV1-3.1, PV1-3.2], pattern: '(\\w+)-(\\w+)', keep: false}
  - {from: ZPI-2, to: PID-16}
defaults: {PV1-2: I, PID-3.4: H01}
z_fields:
  - {from: ZPD-3, to: Patient.maritalStatus}
  - {from: ZPD-4, to: Patient, extension: "urn:hie:blood-group", as: CodeableConcept}
events: {ADT^ZA1: ADT^A01, ADT: ADT^A08}
accept: [ADT^*, ORU^R01]
ignore: [ADT^A60]
processing: [P]
limits: {messages_per_second: 12.5, connections: 4}
"""


def problems(text: str) -> list[tuple[int, str]]:
    with pytest.raises(Invalid) as error:
        read(text)
    return [(one.line, one.key) for one in error.value.problems]


class TestRead:
    def test_whole(self) -> None:
        """Every key is read, and comes to the site that it is applied to."""
        site = read(WHOLE).applied(Site("s", name="医院", organization="o1"), version=7)

        assert (site.id, site.name, site.organization, site.version) == ("s", "医院", "o1", 7)
        assert (site.charset, site.zone, site.authority) == ("GB18030", "Asia/Urumqi", "urn:oid:1.2.3")
        assert site.authorities["CARD"] == "https://card.example/ids"
        assert site.code_maps["HL70004"]["01"][1:] == ("AMB", "门诊")
        assert (site.snapshot, site.visit_by) == (True, ("PV1-50", "PV1-19"))
        assert (site.moves[0].source, site.moves[0].append, site.moves[0].type) == (Reference("PID", 19), True, "NI")
        assert site.moves[1].pattern is not None
        assert site.defaults[1].at == Reference("PID", 3, 4)
        assert [one.segment for one in site.z_fields] == ["ZPD", "ZPD"]
        assert site.event("ADT", "ZA1") == ("ADT", "A01")
        assert site.event("ADT", "") == ("ADT", "A08")
        assert site.accepts_type("ADT", "ZA1")
        assert not site.accepts_type("MDM", "T02")
        assert site.ignores_type("ADT", "A60")
        assert site.limits == Limits(12.5, 4)

    def test_silent(self) -> None:
        """What a profile does not say stays as it was."""
        site = Site("s", authority="urn:a", zone="Asia/Shanghai", charset="GB18030")

        assert read("{}").applied(site) == site

    def test_text(self) -> None:
        """The text is kept as it was written, comments and all."""
        text = "# the old system\nsender: HIS|H01\n"

        assert read(text).text == text


class TestWrong:
    def test_lines(self) -> None:
        """All problems at once, each with its line and key."""
        text = (
            "sender: HIS\nzone: Mars\ncharset: KOI\nauthority: no uri\nchrset: x\nsnapshot: maybe\n"
            "visit_by: [PV1-7]\naccept: [adt]\nprocessing: [X]\nlimits: {messages_per_second: -1}\n"
        )

        assert problems(text) == [
            (1, "sender"), (2, "zone"), (3, "charset"), (4, "authority"), (5, "chrset"), (6, "snapshot"),
            (7, "visit_by"), (8, "accept"), (9, "processing"), (10, "limits.messages_per_second"),
        ]  # fmt: skip

    @pytest.mark.parametrize(
        "move",
        [
            "{from: PID-19}", "{from: PID, to: PID-3}", "{from: PID-3, to: [PID-4, PID-5]}",
            "{from: PID-3, to: [PID-3.1], pattern: '('}", "{from: PID-3, to: [PID-3.1, PID-3.2], pattern: '(a)'}",
            "{from: PID-3, to: PID-4, by: x}",
        ],
    )  # fmt: skip
    def test_moves(self, move: str) -> None:
        """A move without source, place, or with a pattern that does not fit, says so."""
        assert all(key.startswith("moves[0]") for _, key in problems(f"moves:\n  - {move}\n"))

    def test_yaml(self) -> None:
        """What is no YAML, no mapping, or says a key twice, says so with its line."""
        assert problems("a: [1,\n") == [(2, "")]
        assert problems("- a\n") == [(1, "")]
        assert problems("zone: Asia/Shanghai\nzone: Asia/Urumqi\n") == [(2, "zone")]
        assert problems("codes:\n  HL70001:\n    女: [F]\n") == [(3, "codes.HL70001.女")]

    def test_is_a_refusal(self) -> None:
        """It is told like any refusal."""
        with pytest.raises(Unprocessable, match="line 1, zone"):
            read("zone: Mars")


class TestLocalFields:
    def test_element(self) -> None:
        """An element of R4, with the data type that it takes."""
        (row,) = z_field(Reference("ZPD", 3), "Patient.maritalStatus", "", "").rows

        assert (row.at, row.through) == ("ZPD-3", "CWE[CodeableConcept]")

    def test_two_extensions(self) -> None:
        """Two fields never share an extension."""
        one = z_field(Reference("ZPD", 3), "Patient", "urn:x:a", "string").rows
        other = z_field(Reference("ZPD", 4), "Patient", "urn:x:b", "string").rows

        assert one[0].steps[0] != other[0].steps[0]

    @pytest.mark.parametrize(
        ("to", "extension", "kind"),
        [
            ("Pacient.name", "", ""), ("Patient", "", ""), ("Patient.hair", "", ""), ("Patient.link", "", ""),
            ("Encounter.status", "", ""), ("Patient.contact", "", ""), ("Patient", "urn:x:a", "Colour"),
        ],
    )  # fmt: skip
    def test_refused(self, to: str, extension: str, kind: str) -> None:
        """No such type or element, one that is decided by the message, or one that no field can say."""
        with pytest.raises(ValueError, match=r"\w"):
            z_field(Reference("ZPD", 3), to, extension, kind)


class TestResolves:
    SITE = read(WHOLE).applied(Site("site-a"))

    @pytest.mark.parametrize(
        ("part", "resolved"),
        [
            (("code", "PV1-2", "http://terminology.hl7.org/CodeSystem/v2-0004", "住院"), True),
            (("code", "PV1-2", "http://terminology.hl7.org/CodeSystem/v2-0004", "日间"), False),
            (("code", "PV1-2", "http://terminology.hl7.org/CodeSystem/v2-0005", "住院"), False),
            (("segment", "ZPD", "", ""), True),
            (("segment", "ZXX", "", ""), False),
            (("field", "ZPD-3", "", ""), True),
            (("field", "ZPD-9", "", ""), False),
            (("message", "MSH-9", "", "ADT^ZA1"), True),
            (("message", "MSH-9", "", "ADT^A60"), True),
            (("message", "MSH-9", "", "ADT^ZA2"), False),
        ],
    )
    def test_each(self, part: tuple[str, str, str, str], resolved: bool) -> None:
        """What a profile has a code, an element or an event for is resolved by it, and nothing else."""
        assert resolves(self.SITE, dict(zip(("kind", "location", "system", "code"), part, strict=True))) is resolved

    def test_names(self) -> None:
        """A local system is known by the sender's own word for it."""
        assert names_of("urn:hie:code-system:site-a:%E7%A7%91%E5%AE%A4", "site-a")[0] == "科室"
        assert names_of("http://loinc.org", "site-a") == ("http://loinc.org",)
