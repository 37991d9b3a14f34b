"""
Encounter to PV1 and PV2; Location to PL.

https://build.fhir.org/ig/HL7/v2-to-fhir/ConceptMap-segment-pv1-to-encounter.html, read backwards
"""

from __future__ import annotations

from adapters.facts import Json
from adapters.hl7v2.from_fhir.codes import V2, code_of, concept, table_code
from adapters.hl7v2.from_fhir.identifiers import AUTHORITY, cx, hd, of_type
from adapters.hl7v2.from_fhir.names import Resources, xcns
from adapters.hl7v2.from_fhir.receiver import Receiver
from adapters.hl7v2.from_fhir.times import dtm
from adapters.hl7v2.from_fhir.writing import Line, Repetition

# What a message without a visit says where its structure wants a PV1: table 0004, not applicable.
NO_VISIT = Line("PV1", {1: "1", 2: "N"})
_PARTICIPANTS = {7: "ATND", 8: "REF", 9: "CON", 17: "ADM"}
_KINDS = {"bd": 3, "ro": 2, "wa": 1}


def account_of(encounter: Json | None) -> list[Json]:
    """The account numbers of a visit, which stand in PID-18."""
    return of_type((encounter or {}).get("identifier", ()), "AN")


def pv1(encounter: Json | None, resources: Resources, receiver: Receiver) -> Line:
    """PV1 of a visit; of none, the PV1 that says so."""
    if encounter is None:
        return NO_VISIT
    accounts = account_of(encounter)
    numbers = [one for one in encounter.get("identifier", ()) if one not in accounts]
    stay, period = encounter.get("hospitalization", {}), encounter.get("period", {})
    persons = {at: _persons(encounter, code, resources, receiver) for at, code in _PARTICIPANTS.items()}
    return Line(
        "PV1",
        {
            1: "1",
            2: visit_class(encounter),
            3: _place(encounter, "active", resources, receiver),
            4: code_of(next(iter(encounter.get("type", ())), None), f"{V2}0007"),
            5: cx(stay["preAdmissionIdentifier"], receiver) if "preAdmissionIdentifier" in stay else "",
            6: _prior(encounter, resources, receiver),
            **persons,
            10: code_of(encounter.get("serviceType"), f"{V2}0069"),
            13: code_of(stay.get("reAdmission"), f"{V2}0092"),
            14: code_of(stay.get("admitSource"), f"{V2}0023"),
            15: [code for one in stay.get("specialArrangement", ()) if (code := code_of(one, f"{V2}0009"))],
            16: code_of(next(iter(stay.get("specialCourtesy", ())), None), f"{V2}0099"),
            19: cx(numbers[0], receiver, "VN") if numbers else "",
            36: code_of(stay.get("dischargeDisposition"), f"{V2}0112"),
            37: str(stay.get("destination", {}).get("display", "")),
            38: code_of(next(iter(stay.get("dietPreference", ())), None), f"{V2}0114"),
            44: dtm(period.get("start", "")),
            45: dtm(period.get("end", "")),
            50: cx(numbers[1], receiver, "VN") if len(numbers) > 1 else "",
        },
    )


def pv2(encounter: Json | None) -> list[Line]:
    """PV2 with the reason of the visit, where it has one."""
    reason = concept(next(iter((encounter or {}).get("reasonCode", ())), None))
    return [Line("PV2", {3: reason})] if reason else []


def visit_class(encounter: Json) -> str:
    """Table 0004; a class of the source's own is sent as it came."""
    found = encounter.get("class", {})
    return table_code("0004", found.get("code", ""), str(found.get("code", "")) or "U")


def _persons(encounter: Json, code: str, resources: Resources, receiver: Receiver) -> list[Repetition]:
    found = [one for one in encounter.get("participant", ()) if "individual" in one and code in _types(one)]
    return xcns([one["individual"] for one in found], resources, receiver)


def _types(participant: Json) -> list[str]:
    return [str(c.get("code", "")) for kind in participant.get("type", ()) for c in kind.get("coding", ())]


def _place(encounter: Json, status: str, resources: Resources, receiver: Receiver) -> Repetition:
    """Where the patient is: the last active place, else the last one named."""
    listed = encounter.get("location", [])
    chosen = [one for one in listed if one.get("status") == status] or listed
    return pl(chosen[-1]["location"], resources, receiver) if chosen else ""


def _prior(encounter: Json, resources: Resources, receiver: Receiver) -> Repetition:
    left = [one for one in encounter.get("location", ()) if one.get("status") == "completed"]
    return pl(left[-1]["location"], resources, receiver) if left else ""


def pl(reference: Json, resources: Resources, receiver: Receiver) -> Repetition:
    """
    A reference to a Location as PL, "" when it names no place.

    Ward, room and bed stand in the number that the exchange gave the place; its name is PL-9.
    """
    target = resources.get(str(reference.get("reference", "")), {})
    name = str(target.get("name") or reference.get("display", ""))
    number: Json = next(iter(target.get("identifier", ())), {})
    parts = str(number.get("value", "")).split("^") if number else []
    if not parts:
        return ("", "", "", "", "", "", "", "", name) if name else ""
    facility: tuple[str, ...] = ("",)
    system = str(number.get("system", "")).removesuffix(":location")
    if parts[0] and parts[0] == target.get("managingOrganization", {}).get("display"):
        parts = parts[1:]
        facility = hd(system, receiver)
    elif system.startswith(AUTHORITY):
        facility = ("",)
    ward, room, bed = _within(parts, target)
    return (ward, room, bed, facility, "", "", "", "", name)


def _within(parts: list[str], target: Json) -> tuple[str, str, str]:
    kind = next((_KINDS.get(c.get("code", ""), 0) for c in target.get("physicalType", {}).get("coding", ())), 0)
    ward = parts[0] if parts and (kind == 1 or len(parts) > 1 or kind == 0) else ""
    bed = parts[-1] if kind == 3 else ""
    room = parts[1] if len(parts) > 2 and kind == 3 else parts[-1] if kind == 2 else ""
    return ward, room, bed
