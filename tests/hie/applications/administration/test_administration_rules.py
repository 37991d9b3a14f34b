"""The pure parts of the administration: queries, comparisons, originals, lines of the access review."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from adapters.hl7v2.site import Site
from hie.access.caller import Caller
from hie.applications.administration import original, senders, traffic
from hie.applications.administration.access_review import to_access
from hie.applications.administration.compare import compare, evidence_lines
from hie.applications.administration.monitor import to_query
from hie.audit.events import Entry, Observer, to_resource
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


class TestQuery:
    def test_ids(self) -> None:
        """Twenty-six letters are an id of ours, in whatever case; anything else is the sender's control id."""
        ours = "01jdefghjkmnpqrstvwxyz0123"

        assert to_query({"id": ours}, "") == {"_id": ours.upper()}
        assert to_query({"id": "C1", "state": "dead", "type": ""}, "") == {"control": "C1", "state": "dead"}

    def test_day(self) -> None:
        """A day is the region's, from midnight to midnight; what is no day is no filter."""
        found = to_query({"day": "2026-11-24"}, "")["received"]

        assert found["$gte"] == datetime(2026, 11, 23, 16, tzinfo=UTC)
        assert found["$lt"] - found["$gte"] == timedelta(days=1)
        assert to_query({"day": "2026-02-31"}, "") == {}

    def test_before(self) -> None:
        """A page goes on below the id where the one before ended; nonsense is ignored."""
        assert to_query({}, "01JDEFGHJKMNPQRSTVWXYZ0123") == {"_id": {"$lt": "01JDEFGHJKMNPQRSTVWXYZ0123"}}
        assert to_query({}, "x") == {}


class TestTraffic:
    def test_sites(self) -> None:
        """Most failures first; the rate counts what died and what was refused."""
        counts = {"by_site": {"a": {"committed": 98, "dead": 1, "rejected": 1}, "b": {"committed": 5}}}
        rows = traffic.by_site(counts, {"a": "中心医院"})

        assert [(row.site, row.name, row.total, row.error_rate) for row in rows] == [
            ("a", "中心医院", 100, Decimal("0.02")), ("b", "", 5, Decimal(0)),
        ]  # fmt: skip
        assert traffic.SiteTraffic("c", "", {}).error_rate is None

    @pytest.mark.parametrize(
        ("seconds", "shown"), [(0.4, "0 秒"), (119.9, "119 秒"), (120, "2 分钟"), (7200, "2 小时")]
    )
    def test_waited(self, seconds: float, shown: str) -> None:
        """An age has the unit that reads best."""
        text, n = traffic.waited(seconds)

        assert text % {"n": n} == shown


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
