"""
Item 24: OBR-26 and OBR-29 tie a child to its parent: susceptibilities to the isolate of the culture that they test.

The child derives from the parent result, the parent lists its children, the child's order is based on the parent's.
"""

from __future__ import annotations

from hl7v2_world import Hl7World
from order_messages import PID, message, obr, obx

CULTURE = "600-7^血培养^LN"
ISOLATES = [
    obx("CE", f"{c}^{n}^L", code=CULTURE, sub=s)
    for s, c, n in (("1", "ECO", "大肠埃希菌"), ("2", "KPN", "肺炎克雷伯菌"))
]
HEAD = obr("O1", "F1", CULTURE, status="F", reported="20260301120000")


def susceptibilities(sub: str, filler: str, *drugs: str, result: str = "R") -> list[str]:
    """Antibiotics tested on the isolate with this sub-id."""
    parent = CULTURE.replace("^", "&")
    head = obr(
        "O1",
        filler,
        "AST^药敏^L",
        status="F",
        reported="20260301130000",
        parent=f"{parent}^{sub}",
        parent_order="O1^F1",
    )
    return [head, *(obx("NM", "2", code=f"{drug}^{drug}^L", flag=result) for drug in drugs)]


class TestParents:
    async def test_one_message(self, hl7: Hl7World) -> None:
        """Culture and susceptibilities in one ORU: each child hangs on its own isolate."""
        await hl7.tell(
            message(
                "ORU^R01",
                HEAD,
                *ISOLATES,
                *susceptibilities("1", "F2", "CRO", "AMP"),
                *susceptibilities("2", "F3", "CRO"),
            )
        )

        coli = await hl7.one("Observation?value-concept=ECO")
        klebsiella = await hl7.one("Observation?value-concept=KPN")
        assert (len(coli["hasMember"]), len(klebsiella["hasMember"])) == (2, 1)
        children = await hl7.find(f"Observation?derived-from=Observation/{coli['id']}")
        assert {c["code"]["text"] for c in children} == {"CRO", "AMP"}
        assert {f"Observation/{c['id']}" for c in children} == {m["reference"] for m in coli["hasMember"]}

    async def test_later_message(self, hl7: Hl7World) -> None:
        """Susceptibilities that come a day later still find their isolate, and a corrected culture keeps them."""
        await hl7.tell(message("ORU^R01", HEAD, *ISOLATES))
        await hl7.tell(message("ORU^R01", *susceptibilities("1", "F2", "CRO"), at="20260302120000"))
        corrected = obr("O1", "F1", CULTURE, status="C", reported="20260303120000")
        await hl7.tell(message("ORU^R01", corrected, ISOLATES[0].replace("|||F|", "|||C|"), at="20260303120000"))

        coli = await hl7.one("Observation?value-concept=ECO")
        child = await hl7.one("Observation?code=CRO")
        assert coli["status"] == "corrected"
        assert coli["hasMember"] == [{"reference": f"Observation/{child['id']}"}]
        assert child["derivedFrom"] == [{"reference": f"Observation/{coli['id']}"}]

    async def test_child_first(self, hl7: Hl7World) -> None:
        """A child whose parent was never sent is kept, and invents no parent."""
        await hl7.tell(message("ORU^R01", *susceptibilities("1", "F2", "CRO")))

        child = await hl7.one("Observation")
        assert child["derivedFrom"][0]["reference"].startswith("Observation/")
        assert not await hl7.find("Observation?code=600-7")

        await hl7.tell(message("ORU^R01", HEAD, *ISOLATES))
        coli = await hl7.one("Observation?value-concept=ECO")
        assert child["derivedFrom"] == [{"reference": f"Observation/{coli['id']}"}]

    async def test_orders(self, hl7: Hl7World) -> None:
        """The child's order names the parent's order: OBR-29 of a reflex test, ORC-8 of a child order."""
        await hl7.tell(message("ORU^R01", HEAD, *ISOLATES))
        reflex = obr("O5", "F5", "AST^药敏^L", status="F", parent_order="O1^F1")
        child = "ORC|CH|O6||||||O1"
        await hl7.tell(
            message("ORU^R01", reflex, obx("NM", "1")), message("ORM^O01", child, obr("O6", "", "X^加做^L"), pid=PID)
        )

        for number in ("O5", "O6"):
            (parent,) = (await hl7.one(f"ServiceRequest?identifier={number}"))["basedOn"]
            assert parent["identifier"]["value"] == "O1"
