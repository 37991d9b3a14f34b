"""The record of one made-up resident, in the shapes that the exchange serves."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
HOSPITAL, CLINIC, OTHER = "Organization/org-h", "Organization/org-c", "Organization/org-o"
AT_HOSPITAL, AT_CLINIC = {"reference": "Patient/pat-h"}, {"reference": "Patient/pat-c"}
LOINC, ICD = "http://loinc.org", "http://hl7.org/fhir/sid/icd-10"
DCM = "http://dicom.nema.org/resources/ontology/DCM"
ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
NAMES = {HOSPITAL: "淄博市中心医院", CLINIC: "公园街道社区卫生服务中心", OTHER: "桓台县人民医院"}


def coded(system: str, code: str, text: str) -> Json:
    return {"coding": [{"system": system, "code": code, "display": text}], "text": text}


def place(reference: str) -> Json:
    return {"reference": reference, "display": NAMES[reference]}


def patient(key: str, at: str) -> Json:
    return {
        "resourceType": "Patient", "id": key, "meta": {"lastUpdated": "2026-11-16T01:00:00Z"}, "gender": "female",
        "name": [{"text": "王晓梅", "use": "official"}], "birthDate": "1985-06-12", "managingOrganization": place(at),
        "identifier": [{"system": "urn:oid:2.16.156.10011.1.3", "value": "370303198506120428"}],
    }  # fmt: skip


def visit(key: str, day: str, department: str, diagnosis: str) -> Json:
    return {
        "resourceType": "Encounter", "id": key, "status": "finished", "class": {"code": "AMB"}, "subject": AT_HOSPITAL,
        "period": {"start": f"{day}T09:20:00+08:00", "end": f"{day}T10:20:00+08:00"},
        "participant": [{"individual": {"display": "吴晓峰"}}], "serviceProvider": place(HOSPITAL),
        "location": [{"location": {"display": department}}],
        "diagnosis": [{"condition": {"reference": f"Condition/{diagnosis}"}}],
    }  # fmt: skip


def condition(key: str, day: str, code: str, text: str, encounter: str) -> Json:
    return {
        "resourceType": "Condition", "id": key, "code": coded(ICD, code, text), "subject": AT_HOSPITAL,
        "recordedDate": f"{day}T09:55:00+08:00", "encounter": {"reference": f"Encounter/{encounter}"},
        "clinicalStatus": {"coding": [{"code": "active"}]},
    }  # fmt: skip


def result(key: str, day: str, code: str, text: str, value: str, flag: str, low: float, high: float, unit: str) -> Json:
    return {
        "resourceType": "Observation", "id": key, "code": coded(LOINC, code, text), "subject": AT_HOSPITAL,
        "status": "final", "category": [{"coding": [{"code": "laboratory"}]}],
        "effectiveDateTime": f"{day}T10:30:00+08:00", "valueQuantity": {"value": float(value), "unit": unit},
        "interpretation": [{"coding": [{"code": flag}]}],
        "referenceRange": [{"low": {"value": low}, "high": {"value": high}}],
    }  # fmt: skip


def sugar(key: str, day: str, value: str, flag: str) -> Json:
    return result(key, day, "14771-0", "空腹血糖", value, flag, 3.9, 6.1, "mmol/L")


def report(key: str, day: str, code: str, text: str, results: list[str], **more: Any) -> Json:
    return {
        "resourceType": "DiagnosticReport", "id": key, "status": "final", "code": coded(LOINC, code, text),
        "subject": AT_HOSPITAL, "encounter": {"reference": "Encounter/enc-1"}, "performer": [place(HOSPITAL)],
        "effectiveDateTime": f"{day}T09:30:00+08:00", "issued": f"{day}T10:30:00+08:00",
        "result": [{"reference": f"Observation/{one}"} for one in results], **more,
    }  # fmt: skip


def medicine(key: str, day: str, status: str, text: str, dose: str) -> Json:
    return {
        "resourceType": "MedicationRequest", "id": key, "status": status, "subject": AT_HOSPITAL,
        "medicationCodeableConcept": coded("http://www.whocc.no/atc", "A10BA02", text),
        "authoredOn": f"{day}T10:10:00+08:00", "requester": {"reference": "Practitioner/p1", "display": "刘文静"},
        "encounter": {"reference": "Encounter/enc-1"}, "dosageInstruction": [{"text": dose}],
    }  # fmt: skip


def access(key: str, at: str, name: str, role: str, purpose: str, query: str, **more: Any) -> Json:
    import base64

    agent: Json = {
        "requestor": True, "who": {"display": name}, "name": name,
        "purposeOfUse": [{"coding": [{"system": ACT_REASON, "code": purpose}]} | more.get("reason", {})],
    } | ({"role": [{"coding": [{"system": "urn:hie:role", "code": role}]}]} if role else {})  # fmt: skip
    provider = {"type": {"coding": [{"code": "PROV"}]}, "who": {"display": more.get("at", NAMES[HOSPITAL])}}
    emergency = [{"system": DCM, "code": "110127"}] if purpose == "ETREAT" else []
    return {
        "resourceType": "AuditEvent", "id": key, "recorded": at, "action": "E", "outcome": "0",
        "subtype": [{"code": more.get("kind", "search-type")}, *emergency], "agent": [agent, provider],
        "entity": [
            {"role": {"code": "24"}, "query": base64.b64encode(query.encode()).decode()},
            {"role": {"code": "1"}, "what": {"reference": "Patient/pat-h"}},
        ],
    }  # fmt: skip


def record() -> list[Json]:
    """Everything."""
    pressure = {
        "resourceType": "Observation", "id": "bp-1", "code": coded(LOINC, "85354-9", "血压"), "subject": AT_CLINIC,
        "category": [{"coding": [{"code": "vital-signs"}]}], "effectiveDateTime": "2026-10-02T08:00:00+08:00",
        "component": [
            {"code": coded(LOINC, "8480-6", "收缩压"), "valueQuantity": {"value": 128, "unit": "mmHg"}},
            {"code": coded(LOINC, "8462-4", "舒张压"), "valueQuantity": {"value": 82, "unit": "mmHg"}},
        ],
    }  # fmt: skip
    shot = {
        "resourceType": "Immunization", "id": "imm-1", "status": "completed", "patient": AT_CLINIC, "lotNumber": "LOT7",
        "vaccineCode": coded("http://hl7.org/fhir/sid/cvx", "88", "流感疫苗"),
        "occurrenceDateTime": "2026-10-15T09:20:00+08:00",
    }  # fmt: skip
    allergy = {
        "resourceType": "AllergyIntolerance", "id": "all-1", "patient": AT_HOSPITAL, "category": ["medication"],
        "code": {"text": "磺胺类药物"}, "reaction": [{"manifestation": [{"text": "皮疹"}], "severity": "moderate"}],
    }  # fmt: skip
    letter = {
        "resourceType": "DocumentReference", "id": "doc-1", "type": {"text": "出院小结"}, "subject": AT_HOSPITAL,
        "date": "2025-12-20T09:50:00+08:00", "author": [{"display": "赵雪梅"}], "custodian": place(HOSPITAL),
        "content": [{"attachment": {"contentType": "text/plain; charset=utf-8", "data": "55eF5oOF5aW96L2s44CC"}}],
    }  # fmt: skip
    handed = {
        "resourceType": "MedicationDispense", "id": "disp-1", "status": "completed", "subject": AT_HOSPITAL,
        "medicationCodeableConcept": {"text": "盐酸二甲双胍片"}, "whenHandedOver": "2026-11-16T10:25:00+08:00",
        "quantity": {"value": 60, "unit": "片"}, "performer": [{"actor": place(HOSPITAL)}],
    }  # fmt: skip
    booked = {
        "resourceType": "Appointment", "id": "app-1", "status": "booked", "start": "2026-12-06T09:20:00+08:00",
        "description": "门诊复诊", "participant": [{"actor": {"reference": "Practitioner/p2", "display": "冯启明"}}],
    }  # fmt: skip
    facilities = [
        {"resourceType": "Organization", "id": key.partition("/")[2], "name": name} for key, name in NAMES.items()
    ]
    return [
        *facilities, patient("pat-h", HOSPITAL), patient("pat-c", CLINIC),
        visit("enc-1", "2026-11-16", "内分泌科", "con-1"), visit("enc-2", "2025-12-19", "内科", "con-2"),
        condition("con-1", "2026-11-16", "E11.9", "2型糖尿病", "enc-1"),
        condition("con-2", "2025-12-19", "R73.0", "糖耐量异常", "enc-2"),
        sugar("obs-1", "2026-11-16", "6.4", "H"), sugar("obs-2", "2026-10-25", "7.2", "H"),
        sugar("obs-3", "2025-12-19", "5.8", "N"),
        result("obs-4", "2026-11-16", "1742-6", "丙氨酸氨基转移酶", "27", "N", 9, 50, "U/L"), pressure,
        report("rep-1", "2026-11-16", "24323-8", "生化全套", ["obs-1", "obs-4"]),
        report("rep-2", "2026-09-11", "24627-2", "胸部CT", [], conclusion="右肺上叶微小结节，建议复查。"),
        medicine("med-1", "2026-11-16", "active", "盐酸二甲双胍片", "每日2次，每次1片"),
        medicine("med-3", "2026-08-01", "active", "盐酸二甲双胍片", "每日2次，每次1片"),
        medicine("med-2", "2026-03-01", "stopped", "阿莫西林胶囊", "每日3次，每次2粒"),
        shot, allergy, letter, handed, booked,
    ]  # fmt: skip


def looks() -> list[Json]:
    """Who looked."""
    return [
        access("aud-1", "2026-11-20T02:00:00Z", "张医生", "clinician", "TREAT", "Observation?patient=x"),
        access("aud-2", "2026-11-20T02:01:00Z", "张医生", "clinician", "TREAT", "Condition?patient=x"),
        access("aud-3", "2026-11-21T02:00:00Z", "李医生", "clinician", "ETREAT", "AllergyIntolerance?patient=x",
               reason={"text": "昏迷送入急诊"}),
        access("aud-4", "2026-11-22T02:00:00Z", "王晓梅", "resident", "PATRQT", "Observation"),
        access("aud-5", "2026-11-22T03:00:00Z", "", "", "HOPERAT", "", kind="transaction"),
    ]  # fmt: skip
