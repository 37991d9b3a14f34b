"""The pure parts of the administration: queries, comparisons, originals, lines of the access review."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from adapters.errors import Unsupported
from adapters.hl7v2.site import Site
from hie.access.caller import Caller
from hie.applications.administration import criteria, original, senders, stacks, tables, traffic
from hie.applications.administration.access_review import to_access
from hie.applications.administration.beside import shown
from hie.applications.administration.compare import compare, evidence_lines
from hie.applications.administration.correcting import editable, written
from hie.applications.administration.counting import id_at
from hie.applications.administration.criteria import to_query
from hie.applications.administration.mapping import Mapped, table_of, with_codes
from hie.applications.administration.monitor import turns_left
from hie.applications.administration.segments import field_name, visible
from hie.audit.events import Entry, Observer, to_resource
from hie.directory.profile import read
from hie.exchange.ids import Ids
from hie.exchange.inbound import InboundMessage

AT = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
SITE = Site("site-his-h01", authority="urn:hie:authority:H01")
ADT = "\r".join(
    (
        "MSH|^~\\&|HIS|H01|HIE|ZB|20261124080000||ADT^A04^ADT_A01|C1|P|2.5.1|||||CHN|{charset}",
        "EVN|A04|20261124080000",
        "PID|1||L1^^^H01^MR||王^晓梅||19850612|F",
        "PV1|1|O" + "|" * 17 + "V1",
    )
)


def message(raw: bytes) -> InboundMessage:
    return InboundMessage("01J00000000000000000000000", "mllp", AT, raw, sender="HIS|H01", site=SITE.id)


class TestCriteria:
    def test_ids(self) -> None:
        """Twenty-six letters are an id of ours, in whatever case; anything else is the sender's control id."""
        ours = "01jdefghjkmnpqrstvwxyz0123"

        assert to_query({"id": ours}) == {"_id": {"$in": [ours.upper()]}}
        assert to_query({"id": ours}, among=["other"]) == {"_id": {"$in": []}}
        assert to_query({"id": "C1", "state": "dead"}) == {"control": "C1", "state": "dead"}

    def test_time(self) -> None:
        """A span of time is a span of ids; a day is the region's, from midnight to midnight."""
        day = to_query({"day": "2026-11-24"})["_id"]
        span = to_query({"since": "2026-11-24T08:00", "until": "2026-11-24 09:30"})["_id"]

        assert day == {
            "$gte": id_at(datetime(2026, 11, 23, 16, tzinfo=UTC)),
            "$lt": id_at(datetime(2026, 11, 24, 16, tzinfo=UTC)),
        }
        assert span["$gte"] == id_at(datetime(2026, 11, 24, 0, tzinfo=UTC))
        assert to_query({"day": "2026-02-31"}) == {}

    def test_before(self) -> None:
        """A page goes on below the id where the one before ended, inside the span; nonsense is ignored."""
        before = "01JDEFGHJKMNPQRSTVWXYZ0123"

        assert to_query({}, before) == {"_id": {"$lt": before}}
        assert to_query({"until": "2026-11-24 08:00"}, before)["_id"]["$lt"] == before
        assert to_query({}, "x") == {}

    def test_refused(self) -> None:
        """AE and AR were refused, so the index over states is asked."""
        assert to_query({"ack": "AE"}) == {"ack": "AE", "state": "rejected"}
        assert to_query({"ack": "AA"}) == {"ack": "AA"}

    @pytest.mark.parametrize(
        ("asked", "wrong"),
        [({"since": "yesterday"}, "since"), ({"since": "2026-11-24 08:00", "until": "2026-11-24 08:00"}, "until")],
    )
    def test_wrong(self, asked: dict[str, str], wrong: str) -> None:
        """What is no time, or an end before its beginning, is said at its field."""
        assert wrong in criteria.check(asked)

    def test_ids_sort_as_times(self) -> None:
        """The smallest id of a moment is above every id made before it, and not above one made then."""
        moment = datetime(2026, 11, 24, 8, 0, 0, 5000, tzinfo=UTC)

        assert Ids(lambda: moment - timedelta(milliseconds=1)).next() < id_at(moment) <= Ids(lambda: moment).next()


class TestTraffic:
    def test_sites(self) -> None:
        """Most failures of today first, then the busiest; nothing received has no rate."""
        today = traffic.shares({"a": 2}, {"a": 100, "b": 5})
        rows = traffic.lines("ab", {"a": "中心医院"}, {"b": [1] * 60}, {}, today, {})

        assert [(row.site, row.name, row.hour, row.today.rate) for row in rows] == [
            ("a", "中心医院", 0, Decimal("0.02")), ("b", "", 60, Decimal(0)),
        ]  # fmt: skip
        assert rows[0].week.rate is None

    def test_stacked(self) -> None:
        """The busiest sites stand alone, all others together; no message is lost in the sum."""
        minutes = {f"s{n}": [n] * 60 for n in range(1, 9)}
        series = traffic.stacked(minutes, {"s8": "中心医院"}, "其他")

        assert [one.name for one in series] == ["中心医院", "s7", "s6", "s5", "其他"]
        assert sum(one.total for one in series) == 60 * 36
        assert stacks.most(series) == 36

    def test_drawn(self) -> None:
        """A column has a part for each site that sent something in its minute; the picture says its sentence."""
        series = [stacks.Series("a", [0, 4]), stacks.Series("b", [1, 0])]
        svg = stacks.drawing(series, ["07:00", "08:00"], title="t", sentence="<s>")

        assert svg.count("<rect") == 2
        assert "&lt;s&gt;" in svg
        assert 'height="168.0"' in svg

    @pytest.mark.parametrize(
        ("seconds", "shown"), [(0.4, "0 秒"), (119.9, "119 秒"), (120, "2 分钟"), (7200, "2 小时")]
    )
    def test_waited(self, seconds: float, shown: str) -> None:
        """An age has the unit that reads best."""
        text, n = traffic.waited(seconds)

        assert text % {"n": n} == shown

    @pytest.mark.parametrize(("given", "turns"), [("", 0), ("5", 5), ("999999", 20), ("-1", 0), ("x", 0), ("²", 0)])
    def test_turns(self, given: str, turns: int) -> None:
        """A page renews itself so often and no more: nobody stays signed in by a forgotten page."""
        assert turns_left(given) == turns


class TestSegments:
    def test_visible(self) -> None:
        """What cannot be seen has a sign; Chinese and blanks stay."""
        assert visible("王 \x00\x1b\x7f\u200b\u202e|") == "王 ␀␛␡⟨U+200B⟩⟨U+202E⟩|"

    def test_names(self) -> None:
        """Fields are called what the standard calls them, in the version of the message; invented ones have no name."""
        assert field_name("PID", 3, "2.5.1") == "Patient Identifier List"
        assert field_name("TXA", 12, "2.4") == "Unique Document Number"
        assert field_name("ZPD", 1, "2.5.1") == ""


PROFILE = """# 中心医院
sender: HIS|H01
codes:
  "0004":
    # 院内写法
    '住院': [urn:a, IMP, 住院]
zone: Asia/Shanghai  # 不改
"""


class TestMapping:
    def test_beside_others(self) -> None:
        """A code joins its table above the others; every comment stays."""
        text = with_codes(PROFILE, [Mapped("0004", "留观", "urn:a", "OBSENC", "留院观察")])

        assert read(text).code_maps["0004"] == {
            "留观": ("urn:a", "OBSENC", "留院观察"),
            "住院": ("urn:a", "IMP", "住院"),
        }
        for comment in ("# 中心医院", "# 院内写法", "# 不改"):
            assert comment in text

    @pytest.mark.parametrize("text", ["sender: HIS|H01\n", PROFILE, "{sender: HIS|H01, codes: {LIS: {a: [urn:a, b]}}}"])
    def test_new_table(self, text: str) -> None:
        """A table that is not there is made, however the profile is written; the rest stays what it is."""
        new = read(with_codes(text, [Mapped("LOCAL", "x: y", "urn:b", "1", '"')]))

        assert new.code_maps == {**read(text).code_maps, "LOCAL": {"x: y": ("urn:b", "1", '"')}}
        assert (new.sender, new.zone) == (read(text).sender, read(text).zone)

    def test_again(self) -> None:
        """A code that means something else now has one meaning."""
        text = with_codes(PROFILE, [Mapped("0004", "住院", "urn:a", "ACUTE", "")])

        assert read(text).code_maps["0004"] == {"住院": ("urn:a", "ACUTE", "")}

    def test_table_of(self) -> None:
        """Tables of HL7 by their number, a sender's own system by its own word; a segment has none."""
        part = {"kind": "code", "site": "site-a", "code": "x"}

        assert table_of(part | {"system": "http://terminology.hl7.org/CodeSystem/v2-0004"}) == "HL70004"
        assert table_of(part | {"system": "urn:hie:code-system:site-a:LIS"}) == "LIS"
        assert table_of(part | {"kind": "segment", "system": "urn:x"}) == ""


class TestTables:
    PART: ClassVar[dict[str, Any]] = {
        "site": "site-a", "location": "OBX-3", "system": "urn:hie:code-system:site-a:LIS", "code": "=1+1",
        "display": "血糖", "count": 3,
    }  # fmt: skip

    def test_there_and_back(self) -> None:
        """What was exported and filled comes back as it was; a formula is never one."""
        text = tables.written([self.PART])
        filled = text.replace(",3,,,", ",3,http://loinc.org,1558-6,空腹血糖")
        table = tables.read(filled.replace(",", "\t") if "\t" in text else filled)

        assert text.startswith("\ufeff")
        assert "'=1+1" in text
        assert table.rows == {"site-a": (Mapped("LIS", "=1+1", "http://loinc.org", "1558-6", "空腹血糖"),)}

    def test_tabs(self) -> None:
        """A table that was copied out of a spreadsheet has tabs."""
        heads = "\t".join(tables.COLUMNS)
        row = "\t".join(("site-a", "", "urn:hie:code-system:site-a:LIS", "G", "", "", "http://loinc.org", "1", ""))

        assert tables.read(f"{heads}\n{row}").count == 1

    def test_wrong(self) -> None:
        """A missing column, and a target without system, are said."""
        heads = ",".join(tables.COLUMNS)

        assert tables.read("a,b\n1,2").problems
        assert tables.read(f"{heads}\nsite-a,,urn:x,G,,,,1,\n").problems == (tables.Problem(2, "site-a urn:x G"),)
        assert tables.read(f"{heads}\nsite-a,,urn:x,G,,,,,\n").count == 0


class TestCorrected:
    def test_lines(self) -> None:
        """A text field's lines are segments again, in the character set that the message names."""
        raw = ADT.format(charset="GB 18030-2000").encode("gb18030")
        text, codec, _ = original.decoded(raw, SITE)

        assert codec == "gb18030"
        assert written(editable(text).replace("\n", "\r\n"), SITE) == raw + b"\r"

    def test_not_to_be_written(self) -> None:
        """Characters that the message's character set has not are refused, never replaced."""
        with pytest.raises(Unsupported):
            written(ADT.format(charset="ASCII").replace("ASCII|", ""), SITE)


class TestBeside:
    def test_element(self) -> None:
        """An element is found where the report says, choices and extensions too."""
        resource = {
            "resourceType": "Encounter", "valueQuantity": {"value": Decimal("1.50")}, "name": [{"family": "王"}],
            "extension": [{"url": "http://x/patient-religion", "valueString": "r"}], "class": {"code": "AMB"},
        }  # fmt: skip

        assert shown(resource, "class.code") == "AMB"
        assert "1.50" in shown(resource, "value")
        assert shown(resource, "name.family") == '["王"]'
        assert "religion" in shown(resource, "extension(patient-religion)")
        assert shown(resource, "period") == ""


class TestOriginal:
    def test_both_sides(self) -> None:
        """Bytes in the sender's character set become text, and beside them the resources of the translation."""
        shown = original.read(message(ADT.format(charset="GB 18030-2000").encode("gb18030")), SITE)

        assert [name for name, _ in shown.segments] == ["MSH", "EVN", "PID", "PV1"]
        assert "王^晓梅" in shown.segments[2][1]
        assert {one.type for one in shown.resources} >= {"Patient", "Encounter"}
        assert shown.subjects == tuple(one.id for one in shown.resources if one.type == "Patient")
        assert not shown.problem

    def test_broken(self) -> None:
        """What cannot be read is shown as far as it goes, with the reason."""
        shown = original.read(message(ADT.format(charset="UNICODE UTF-8").encode("gb18030")), SITE)

        assert shown.problem
        assert "MSH" in shown.text
        assert shown.resources == []

    def test_json(self) -> None:
        """A FHIR body is shown as it is, indented."""
        shown = original.read(message('{"resourceType":"Patient","name":[{"text":"王"}]}'.encode()), SITE)

        assert '"text": "王"' in shown.text
        assert original.read(message(b"{broken"), SITE).problem


class TestCompare:
    def test_lines(self) -> None:
        """Each line says whether the sides agree; where one is silent it says nothing."""
        number = {"system": "urn:oid:2.16.156.10011.1.3", "value": "370303198506120428"}
        left: list[dict[str, Any]] = [
            {"name": [{"text": "王晓梅"}], "birthDate": "1985-06-12", "identifier": [number], "gender": "female"}
        ]
        right: list[dict[str, Any]] = [{"name": [{"text": "王小梅"}], "birthDate": "1985-06-12"}]
        found = {line.title: line.agrees for line in compare(left, right)}

        assert (found["姓名"], found["出生日期"], found["身份证号"], found["性别"]) == (False, True, None, None)

    def test_evidence(self) -> None:
        """The heaviest evidence comes first, for or against."""
        found = evidence_lines(
            {"levels": {"gender": "same", "birth": "other", "name": "homophone"},
             "points": {"gender": 0.8, "birth": -2.8, "name": 10.7}}
        )  # fmt: skip

        assert [f"{line.title} {line.level}" for line in found] == ["姓名 同音", "出生日期 不同", "性别 相同"]


GOOD = {"how": "existing", "organization": "o1", "charset": "GBK", "zone": "Asia/Shanghai", "authority": "urn:x"}


class TestSenders:
    def test_good(self) -> None:
        """A known facility, or a new one with name and code."""
        assert senders.check(GOOD, {"o1"}) == {}
        assert senders.check({**GOOD, "how": "new", "name": "卫生院", "code": "C1"}, set()) == {}

    @pytest.mark.parametrize(
        ("change", "wrong"),
        [
            ({"organization": "o2"}, "organization"),
            ({"how": "new", "name": "卫生院"}, "code"),
            ({"charset": "KLINGON"}, "charset"),
            ({"zone": "Mars/Olympus"}, "zone"),
            ({"zone": "../../etc/passwd"}, "zone"),
            ({"authority": "H01"}, "authority"),
        ],
    )
    def test_wrong(self, change: dict[str, str], wrong: str) -> None:
        """Each mistake is said at its field."""
        assert wrong in senders.check({**GOOD, **change}, {"o1"})


class TestAccess:
    def test_line(self) -> None:
        """An AuditEvent of a broken glass reads as who, where from, why, and whose."""
        caller = Caller("s-1", "张医生", "clinician", "urn:x|H01", "中心医院", purpose="ETREAT", reason="患者昏迷")
        entry = Entry("read", caller, "Patient", "p1", patient="p1", reasons=("break-glass",))
        line = to_access(to_resource(entry, "e1", AT, Observer()))

        assert (line.who, line.role, line.organization) == ("张医生", "clinician", "中心医院")
        assert (line.purpose, line.reason, line.patient, line.at) == ("ETREAT", "患者昏迷", "p1", AT)
        assert list(line.decision) == ["break-glass"]
