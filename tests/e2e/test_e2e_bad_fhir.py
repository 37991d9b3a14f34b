"""Bad FHIR requests: an OperationOutcome with the right status and issue, and what was sent in the journal."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from e2e_desk import Desk
from e2e_region import Region
from joserfc import jwt
from joserfc.jwk import RSAKey

from hie.access.demo_sign_in.keys import load_key

pytestmark = pytest.mark.e2e

GOOD = b'{"resourceType":"Patient","active":true}'
DEEP = b'{"resourceType":"Patient","extension":' + b'[{"extension":' * 200 + b"[]" + b"}]" * 200 + b"}"


@pytest.fixture(scope="module")
def fhir(region: Region) -> Iterator[httpx.Client]:
    with region.client("system") as client:
        yield client


def issue_of(answer: httpx.Response) -> dict[str, Any]:
    """The first issue of the outcome that every refusal is."""
    assert answer.headers["content-type"].startswith("application/fhir+json")
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    first: dict[str, Any] = outcome["issue"][0]
    assert first["severity"] in ("error", "fatal") and first["diagnostics"]
    return first


BODIES = {
    "no JSON": (b'{"resourceType":"Patient",', 400, "structure"),
    "no object": (b'["Patient"]', 400, "structure"),
    "no type": (b'{"active":true}', 400, "structure"),
    "another type": (b'{"resourceType":"Observation"}', 400, "invalid"),
    "a property twice": (b'{"resourceType":"Patient","active":true,"active":false}', 400, "structure"),
    "broken UTF-8": (b'{"resourceType":"Patient","name":[{"text":"\xce\xff"}]}', 400, "structure"),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD, 400, "structure"),
    "too deep": (DEEP, 400, "structure"),
    "an unknown element": (b'{"resourceType":"Patient","nickname":"x1"}', 422, None),
    "a wrong type": (b'{"resourceType":"Patient","active":"yes"}', 422, None),
    "no such day": (b'{"resourceType":"Patient","birthDate":"2026-02-31"}', 422, None),
    "a code that is not bound": (b'{"resourceType":"Patient","gender":"m"}', 422, None),
    "an empty array": (b'{"resourceType":"Patient","name":[]}', 422, None),
    "a null": (b'{"resourceType":"Patient","active":null}', 422, None),
}

BOMB = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<Patient xmlns="http://hl7.org/fhir"><language value="&b;"/></Patient>"""
LEAK = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>
<Patient xmlns="http://hl7.org/fhir"><language value="zh"/><implicitRules value="&a;"/></Patient>"""
XML = {
    "no XML": (b'<Patient xmlns="http://hl7.org/fhir"><active value="tr', 400),
    "another namespace": (b'<Patient xmlns="urn:hl7-org:v3"/>', 400),
    "entities": (BOMB, 400),
    "an entity of the machine": (LEAK, 400),
    "an unknown element": (b'<Patient xmlns="http://hl7.org/fhir"><nickname value="x2"/></Patient>', (400, 422)),
}


class TestBodies:
    """A body that is refused is named, answered and kept."""

    @pytest.mark.parametrize("what", BODIES)
    def test_refused_and_kept(self, region: Region, fhir: httpx.Client, what: str) -> None:
        """The status and the issue say what is wrong; the journal has the bytes."""
        body, status, code = BODIES[what]

        answer = fhir.post("/Patient", content=body, headers={"Content-Type": "application/fhir+json"})

        assert answer.status_code == status, answer.text
        issue = issue_of(answer)
        assert code is None or issue["code"] == code
        if status == 422:
            assert issue["expression"][0].startswith("Patient"), issue
        entry = region.kept(body)
        assert (entry["state"], entry["channel"]) == ("rejected", "fhir")

    @pytest.mark.parametrize("what", XML)
    def test_xml(self, region: Region, fhir: httpx.Client, what: str) -> None:
        """The same for XML, and no entity is ever resolved."""
        body, status = XML[what]

        answer = fhir.post("/Patient", content=body, headers={"Content-Type": "application/fhir+xml"})

        assert answer.status_code in (status if isinstance(status, tuple) else (status,)), answer.text
        assert issue_of(answer)["severity"] == "error"
        assert region.kept(body)["state"] == "rejected"

    def test_values_stay_out_of_the_answer(self, fhir: httpx.Client) -> None:
        """An outcome names the place and not what stood there."""
        answer = fhir.post("/Patient", content=b'{"resourceType":"Patient","birthDate":"19850612-secret"}',
                           headers={"Content-Type": "application/fhir+json"})  # fmt: skip

        assert "secret" not in answer.text

    def test_administrator_sees_it(self, region: Region, fhir: httpx.Client) -> None:
        """The rejected body is in the monitor, and can be read there."""
        body = b'{"resourceType":"Patient","nickname":"to be seen"}'
        fhir.post("/Patient", content=body, headers={"Content-Type": "application/fhir+json"})
        address = f"/workbench/administration/messages/{region.kept(body)['_id']}"

        with Desk(region, "administrator") as desk:
            assert "fhir" in desk.get(address)
            desk.get(f"{address}/content")
            assert "to be seen" in desk.post(f"{address}/reason", reason="looking at a refusal")

    def test_bundle_of_one_bad_entry(self, fhir: httpx.Client) -> None:
        """A transaction with one bad entry stores nothing of it and names the entry."""
        mark = f"urn:uuid:00000000-0000-4000-8000-{time.time_ns() % 10**12:012d}"
        entries = [
            {"resource": {"resourceType": "Patient", "identifier": [{"system": "urn:hie:test", "value": mark}]}},
            {"resource": {"resourceType": "Patient", "gender": "unheard of"}},
        ]
        bundle = {
            "resourceType": "Bundle", "type": "transaction",
            "entry": [one | {"request": {"method": "POST", "url": "Patient"}} for one in entries],
        }  # fmt: skip

        answer = fhir.post("", json=bundle)

        assert answer.status_code == 422, answer.text
        assert "Bundle.entry[1]" in issue_of(answer)["expression"][0]
        assert fhir.get("/Patient", params={"identifier": mark}).json()["total"] == 0

    def test_too_large(self, fhir: httpx.Client) -> None:
        """More than the server takes: 413, and the server goes on."""
        answer = fhir.post("/Binary", content=b"x" * 33_000_000, headers={"Content-Type": "application/fhir+json"})

        assert answer.status_code == 413
        assert issue_of(answer)["code"] == "too-costly"

    @pytest.mark.parametrize("media", ["text/csv", "application/x-turtle", "multipart/form-data; boundary=x"])
    def test_another_media_type(self, fhir: httpx.Client, media: str) -> None:
        """415: what is taken is FHIR's JSON and XML."""
        answer = fhir.post("/Patient", content=GOOD, headers={"Content-Type": media})

        assert (answer.status_code, issue_of(answer)["code"]) == (415, "not-supported")


ADDRESSES = {
    "an unknown type": ("GET", "/Patients", 404, "not-found"),
    "a type in the wrong case": ("GET", "/patient/1", 404, "not-found"),
    "no such resource": ("GET", "/Patient/nobody-has-this-id", 404, "not-found"),
    "an impossible id": ("GET", "/Patient/a_b", 404, "not-found"),
    "an unknown operation": ("GET", "/Patient/$sing", 404, "not-found"),
    "an unknown search parameter": ("GET", "/Patient?favourite=blue", 400, "not-supported"),
    "an unknown modifier": ("GET", "/Patient?family:sounds=li", 400, "not-supported"),
    "an empty value": ("GET", "/Patient?family=", 400, "not-supported"),
    "a date that is none": ("GET", "/Observation?date=ge2026-13-45", 400, None),
    "a number that is none": ("GET", "/Observation?value-quantity=gtmuch", 400, None),
    "a chain that leads nowhere": ("GET", "/Observation?patient.colour=x", 400, "not-supported"),
    "an include of nothing": ("GET", "/Observation?_include=Observation:weather", 400, "not-supported"),
    "a method that is not taken": ("DELETE", "/Patient", 405, "not-supported"),
    "a format that is not spoken": ("GET", "/Patient?_format=text/turtle", 406, "not-supported"),
    "a query that is not UTF-8": ("GET", "/Patient?family=%FF%FE", 400, None),
}


class TestAddresses:
    """An address or a question that nobody can answer."""

    @pytest.mark.parametrize("what", ADDRESSES)
    def test_refused(self, fhir: httpx.Client, what: str) -> None:
        """Never 500, never an empty 200: status and issue say what is wrong."""
        method, path, status, code = ADDRESSES[what]

        answer = fhir.request(method, path)

        assert answer.status_code == status, answer.text
        assert code is None or issue_of(answer)["code"] == code

    def test_lenient(self, fhir: httpx.Client) -> None:
        """Who asks for it gets unknown parameters passed over, and the self link shows that."""
        answer = fhir.get("/Patient?favourite=blue&_count=1", headers={"Prefer": "handling=lenient"})

        assert answer.status_code == 200
        assert "favourite" not in answer.json()["link"][0]["url"]


class TestTokens:
    """Without a token that holds: 401, and how to get in."""

    def ask(self, region: Region, token: str | None) -> httpx.Response:
        headers = {} if token is None else {"Authorization": token}
        return httpx.get(f"{region.fhir}/Patient", headers=headers, trust_env=False)

    def claims(self, region: Region, **changes: Any) -> dict[str, Any]:
        """Those of a token that would hold."""
        token = region.token("clinician").split(".")[1]
        found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return found | changes

    def key(self, region: Region) -> RSAKey:
        """The issuer's own key."""
        return load_key(region.data / "keys" / "sign-in.pem")

    @pytest.mark.parametrize("token", [None, "Bearer", "Bearer x", "Bearer a.b.c", "Basic c3lzdGVtOnN5c3RlbQ=="])
    def test_none_or_nonsense(self, region: Region, token: str | None) -> None:
        """No token, another scheme, or no JWT."""
        answer = self.ask(region, token)

        assert (answer.status_code, issue_of(answer)["code"]) == (401, "login")
        assert answer.headers["www-authenticate"].startswith("Bearer")

    def test_foreign(self, region: Region) -> None:
        """All claims right, and signed by somebody else."""
        key = RSAKey.generate_key(2048)
        header = {"alg": "RS256", "kid": self.key(region).kid}

        answer = self.ask(region, f"Bearer {jwt.encode(header, self.claims(region), key)}")

        assert answer.status_code == 401

    @pytest.mark.parametrize(
        "changes",
        [{"exp": 1_700_000_000}, {"aud": "another-service"}, {"iss": "https://elsewhere.example"}, {"typ": "ID"}],
    )
    def test_ours_and_not_for_this(self, region: Region, changes: dict[str, Any]) -> None:
        """Signed by the issuer, and expired, for another service, of another issuer, or no access token."""
        key = self.key(region)

        token = jwt.encode({"alg": "RS256", "kid": key.kid}, self.claims(region, **changes), key)

        assert self.ask(region, f"Bearer {token}").status_code == 401

    def test_unsigned(self, region: Region) -> None:
        """The algorithm `none` is no signature."""
        parts = ({"alg": "none", "typ": "JWT"}, self.claims(region))
        token = ".".join(base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in parts)

        assert self.ask(region, f"Bearer {token}.").status_code == 401

    def test_scope_missing(self, region: Region) -> None:
        """A resident may read and not write: 403."""
        with region.client("resident") as fhir:
            answer = fhir.post("/Patient", content=GOOD, headers={"Content-Type": "application/fhir+json"})

        assert (answer.status_code, issue_of(answer)["code"]) == (403, "forbidden")
