"""HL7 v2 messages of a made-up hospital, for the end-to-end tests."""

from __future__ import annotations

RESIDENT_ID = "370303198506120428"  # the demo account `resident`


def header(kind: str, control: str, *, charset: str = "UNICODE UTF-8", sender: str = "HIS|E2E") -> str:
    return f"MSH|^~\\&|{sender}|HIE|ZIBO|20261120093000+0800||{kind}|{control}|P|2.5.1||||||{charset}"


def patient(local: str = "E2E001", id_number: str = RESIDENT_ID, name: str = "王^晓梅") -> str:
    return (
        f"PID|1||{local}^^^E2E^PI~{id_number}^^^CN^NI||{name}||19850612|F|||"
        "公园街道示范小区1号^^淄博市^山东省^255000^CN||^PRN^PH^^^^13905330001"
    )


def admit(control: str, local: str = "E2E001") -> bytes:
    """ADT^A01."""
    lines = (
        header("ADT^A01^ADT_A01", control),
        "EVN|A01|20261120093000+0800",
        patient(local),
        "PV1|1|I|XNK^101^05^E2E^^^^^心内科||||D01^刘文静^^^^^^^E2E|||MED|||||||||VIS" + local + "^^^E2E^VN"
        + "|" * 25 + "20261120093000+0800",
    )  # fmt: skip
    return ("\r".join(lines) + "\r").encode()


def result(control: str, value: str = "6.5", local: str = "E2E001") -> bytes:
    """ORU^R01 with one blood glucose."""
    lines = (
        header("ORU^R01^ORU_R01", control),
        patient(local),
        "PV1|1|I|XNK^101^05^E2E^^^^^心内科||||||||||||||||VIS" + local + "^^^E2E^VN",
        f"ORC|RE|P{control}|F{control}",
        f"OBR|1|P{control}|F{control}|1558-6^空腹血糖^LN|||20261120094000+0800|||||||||||||||20261120101500+0800||LAB|F",
        f"OBX|1|NM|1558-6^空腹血糖^LN||{value}|mmol/L|3.9-6.1|H|||F|||20261120094000+0800",
    )
    return ("\r".join(lines) + "\r").encode()
