"""One small population that every rule of the search page is shown on; the ids say what is remarkable."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
UCUM = "http://unitsofmeasure.org"
MR = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}], "text": "Record number"}


def _made(kind: str, **by_id: Json) -> list[Json]:
    return [{"resourceType": kind, "id": name.replace("_", "-"), **one} for name, one in by_id.items()]


def ref(target: str, **elements: Any) -> Json:
    return {"reference": target, **elements}


def code(value: str, system: str = "http://loinc.org", **elements: Any) -> Json:
    return {"coding": [{"system": system, "code": value, **elements}]}


def amount(value: Any, unit: str = "mg", **elements: Any) -> Json:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit, **elements}


def observation(value: str = "2823-3", **elements: Any) -> Json:
    return {"status": "final", "code": code(value), **elements}


def narrative(words: str) -> Json:
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{words}</p></div>'}


def context(kind: str, **value: Any) -> Json:
    return {"code": {"system": "http://terminology.hl7.org/CodeSystem/usage-context-type", "code": kind}, **value}


def value_set(url: str = "", **elements: Any) -> Json:
    return {"status": "active", **({"url": url} if url else {}), **elements}


PEOPLE = _made(
    "Patient",
    eve={
        "active": True,
        "gender": "female",
        "birthDate": "1973-05-31",
        "name": [{"family": "Everywoman", "given": ["Eve"], "prefix": ["Dr."]}],
        "identifier": [{"system": "urn:mrn", "value": "AbC-12", "type": MR}, {"value": "bare"}],
        "telecom": [{"system": "phone", "value": "555-1234"}],
        "generalPractitioner": [ref("Practitioner/joe"), ref("Practitioner/jane")],
        "managingOrganization": ref("Organization/ward", display="Ward of the North"),
        "communication": [{"language": code("fr", "urn:ietf:bcp:47")}, {"language": code("nl", "urn:ietf:bcp:47")}],
        "meta": {"tag": [{"system": "http://acme.org/codes", "code": "needs-review"}]},
        "text": narrative("Metastases of the liver; 王晓梅 was seen"),
    },
    evelyn={
        "gender": "female",
        "birthDate": "1973-05",
        "deceasedBoolean": False,
        "name": [{"family": "Carreno Quinones", "given": ["Evelyn"]}],
        "generalPractitioner": [ref("Practitioner/jane")],
        "managingOrganization": ref("Organization/hospital"),
        "communication": [{"language": code("fr", "urn:ietf:bcp:47")}],
        "text": narrative("Metastases of the bone"),
    },
    severine={
        "gender": "male",
        "birthDate": "1980",
        "deceasedDateTime": "2020-02-01",
        "name": [{"family": "O'Brien-Smith", "given": ["Séverine", "Bruna"]}],
        "identifier": [{"system": "urn:mrn", "value": "77"}],
        "link": [{"other": ref("Patient/eve"), "type": "seealso"}],
        "text": narrative("A liver without findings"),
    },
    wang={"name": [{"text": "王晓梅"}], "address": [{"line": ["Main St. 5, rear"], "city": "淄博"}]},
)
PLACES = [
    *_made(
        "Practitioner",
        joe={"name": [{"family": "Joe"}], "address": [{"state": "CA"}]},
        jane={"name": [{"family": "Jane"}], "address": [{"state": "MN"}]},
    ),
    *_made(
        "Organization",
        hospital={"name": "Hospital"},
        house={"name": "House", "partOf": ref("Organization/hospital")},
        ward={"name": "Ward", "partOf": ref("Organization/house")},
    ),
    *_made(
        "Location",
        town={"name": "Town", "position": {"latitude": 36.80, "longitude": 118.05}},
        street={"name": "Street", "position": {"latitude": 36.81, "longitude": 118.06}, "partOf": ref("Location/town")},
        far={"name": "Far", "position": {"latitude": 36.80, "longitude": 119.05}},
        fiji={"name": "Fiji", "position": {"latitude": -17.7, "longitude": 179.98}},
        pole={"name": "Pole", "position": {"latitude": 89.9, "longitude": 10}},
        nowhere={"name": "Nowhere", "partOf": ref("Location/street")},
    ),
    *_made(
        "Procedure",
        in_street={"status": "completed", "subject": ref("Patient/eve"), "location": ref("Location/street")},
        in_nowhere={"status": "completed", "subject": ref("Patient/eve"), "location": ref("Location/nowhere")},
        in_far={"status": "completed", "subject": ref("Patient/wang"), "location": ref("Location/far")},
    ),
]
VALUES = _made(
    "Observation",
    mg_5_4={"status": "final", "code": code("2823-3"), "valueQuantity": amount(5.4), "subject": ref("Patient/eve")},
    mg_5_44=observation(valueQuantity=amount(5.44)),
    mg_5_45=observation(valueQuantity=amount(5.45)),
    g_0_0054=observation(valueQuantity=amount(0.0054, "g")),
    tablets_5_4=observation("tab", valueQuantity={"value": 5.4, "unit": "tablets"}),
    minus_1=observation(valueQuantity=amount(-1, "Cel")),
    sampled={
        "status": "final",
        "code": code("wave"),
        "valueSampledData": {
            "origin": amount(100, "uV"),
            "period": 10,
            "dimensions": 1,
            "factor": 2,
            "lowerLimit": -10,
            "upperLimit": 50,
            "data": "0 5 E L U 20",
        },
    },
    pressure={
        "status": "final",
        "code": code("85354-9"),
        "component": [
            {"code": code("8480-6"), "valueQuantity": amount(150, "mm[Hg]")},
            {"code": code("8462-4"), "valueQuantity": amount(90, "mm[Hg]")},
        ],
    },
    words={
        "status": "amended",
        "code": {"text": "Headache, dull", "coding": [{"system": "urn:x", "code": "h", "display": "Migräne"}]},
        "valueString": "A small note",
        "performer": [{"identifier": {"system": "urn:doc", "value": "D1"}, "display": "Dr. House"}],
    },
    yes_no={"status": "final", "code": code("yn"), "valueCodeableConcept": code("Y", "urn:yn")},
)
RISKS = _made(
    "RiskAssessment",
    p_0_8={"status": "final", "subject": ref("Patient/eve"), "prediction": [{"probabilityDecimal": 0.8}]},
    p_0_85={"status": "final", "subject": ref("Patient/eve"), "prediction": [{"probabilityDecimal": 0.85}]},
    p_100={"status": "final", "subject": ref("Patient/eve"), "prediction": [{"probabilityDecimal": 100}]},
    range={
        "status": "final",
        "subject": ref("Patient/eve"),
        "prediction": [{"probabilityRange": {"low": {"value": 10}, "high": {"value": 20}}}],
    },
    two_ranges={
        "status": "final",
        "subject": ref("Patient/eve"),
        "prediction": [
            {"probabilityRange": {"low": {"value": 1}, "high": {"value": 30}}},
            {"probabilityRange": {"low": {"value": 40}, "high": {"value": 41}}},
        ],
    },
    open={
        "status": "final",
        "subject": ref("Patient/eve"),
        "prediction": [{"probabilityRange": {"low": {"value": 50}}}],
    },
)
VISIT: Json = {"status": "finished", "class": {"code": "AMB"}}
TIMES = [
    *_made(
        "Encounter",
        from_21_jan=VISIT | {"period": {"start": "2013-01-21"}},
        from_15_mar=VISIT | {"period": {"start": "2013-03-15"}},
        until_21_jan=VISIT | {"period": {"end": "2013-01-21"}},
        ward_round=VISIT
        | {
            "location": [
                {"location": ref("Location/town"), "period": {"start": "2024-01-10", "end": "2024-06-01"}},
                {"location": ref("Location/far"), "period": {"start": "2023-01-01", "end": "2024-01-20"}},
            ],
            "partOf": ref("Encounter/stay"),
        },
        stay=VISIT,
    ),
    *_made(
        "DiagnosticReport",
        day_14={"status": "final", "code": code("x"), "effectiveDateTime": "2013-01-14"},
        midnight_14={"status": "final", "code": code("x"), "effectiveDateTime": "2013-01-14T00:00:00+08:00"},
        ten_14={"status": "final", "code": code("x"), "effectiveDateTime": "2013-01-14T10:00:00+08:00"},
        midnight_15={"status": "final", "code": code("x"), "effectiveDateTime": "2013-01-15T00:00:00+08:00"},
        year_2012={"status": "final", "code": code("x"), "effectiveDateTime": "2012"},
        utc_13={"status": "final", "code": code("x"), "effectiveDateTime": "2013-01-13T20:00:00Z"},
    ),
    *_made(
        "ServiceRequest",
        every_second_day={
            "status": "active",
            "intent": "order",
            "subject": ref("Patient/eve"),
            "occurrenceTiming": {
                "repeat": {"boundsPeriod": {"start": "2013-01-31", "end": "2013-03-24"}, "frequency": 1}
            },
        },
        two_days={
            "status": "active",
            "intent": "order",
            "subject": ref("Patient/eve"),
            "occurrenceTiming": {"event": ["2014-01-01", "2014-03-01"]},
        },
    ),
]
ADDRESSES = [
    *_made(
        "ValueSet",
        v123=value_set("http://acme.org/fhir/ValueSet/123", version="1.0", name="Colours"),
        acme=value_set("http://acme.org/fhir"),
        oid=value_set("urn:oid:1.2.3.4.5"),
        adults=value_set(
            useContext=[
                context("age", valueRange={"low": amount(18, "a"), "high": amount(65, "a")}),
                context("focus", valueCodeableConcept=code("408934002", "http://snomed.info/sct")),
            ]
        ),
        children=value_set(useContext=[context("age", valueRange={"high": amount(18, "a")})]),
        weight=value_set(useContext=[context("weight", valueQuantity=amount(70, "kg"))]),
    ),
    *_made(
        "QuestionnaireResponse",
        v1_0={"status": "completed", "questionnaire": "http://acme.com/q|1.0"},
        v1_1={"status": "completed", "questionnaire": "http://acme.com/q|1.1"},
        v2_0={"status": "completed", "questionnaire": "http://acme.com/q|2.0"},
        v10={"status": "completed", "questionnaire": "http://acme.com/q|10"},
    ),
    *_made(
        "Basic",
        own={"code": code("x"), "subject": ref("http://127.0.0.1:8080/fhir/Patient/eve")},
        versioned={"code": code("x"), "subject": ref("Patient/eve/_history/3")},
        elsewhere={"code": code("x"), "subject": ref("http://elsewhere.org/fhir/Patient/eve")},
        comma={"code": code("a,b", "urn:s"), "identifier": [{"value": "x$y"}, {"value": "p|q"}]},
    ),
]
MEDICINES = [
    *_made(
        "Medication",
        stored={"code": code("m1", "urn:m"), "ingredient": [{"itemCodeableConcept": code("abc", "urn:i")}]},
    ),
    *_made(
        "MedicationRequest",
        of_stored={
            "status": "active",
            "intent": "order",
            "subject": ref("Patient/eve"),
            "medicationReference": ref("Medication/stored"),
        },
        of_contained={
            "status": "active",
            "intent": "order",
            "subject": ref("Patient/wang"),
            "medicationReference": ref("#m"),
            "contained": [
                {"resourceType": "Medication", "id": "m", "ingredient": [{"itemCodeableConcept": code("abc", "urn:i")}]}
            ],
        },
        of_words={
            "status": "active",
            "intent": "order",
            "subject": ref("Patient/wang"),
            "medicationCodeableConcept": {"text": "x"},
        },
    ),
    *_made(
        "Invoice",
        of_5={"status": "issued", "totalGross": {"value": 5, "currency": "CNY"}},
        of_7={"status": "issued", "totalGross": {"value": 7, "currency": "EUR"}},
    ),
    *_made(
        "DocumentReference",
        xml={"status": "current", "content": [{"attachment": {"contentType": "text/xml; charset=UTF-8"}}]},
        xmlish={"status": "current", "content": [{"attachment": {"contentType": "text/xmlish"}}]},
        replacing={
            "status": "current",
            "content": [{"attachment": {"contentType": "application/pdf"}}],
            "relatesTo": [
                {"code": "replaces", "target": ref("DocumentReference/xml")},
                {"code": "signs", "target": ref("DocumentReference/xmlish")},
            ],
        },
    ),
    *_made("List", some={"status": "current", "mode": "working", "entry": [{"item": ref("Patient/eve")}]}),
    *_made(
        "Provenance",
        one={
            "target": [ref("MedicationRequest/of-stored")],
            "recorded": "2024-01-01T00:00:00Z",
            "agent": [{"who": ref("Practitioner/joe")}],
        },
    ),
]
POPULATION = [*PEOPLE, *PLACES, *VALUES, *RISKS, *TIMES, *ADDRESSES, *MEDICINES]
