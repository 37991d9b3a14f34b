"""Verification of access tokens."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest
from access_world import AT, EC, ISSUER, OTHER_RSA, RSA, PublishedKeys, claims, sign

from hie.access.jwks import Keys
from hie.access.tokens import Tokens
from hie.errors import Unauthenticated, Unavailable


class Clock:
    """A clock that moves only when told; it serves as wall clock and as monotonic one."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> Any:
        return AT + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return self.passed


def verifier(published: PublishedKeys, clock: Clock) -> Tokens:
    keys = Keys(ISSUER, published.client(), monotonic=clock.monotonic)
    return Tokens(keys, issuer=ISSUER, audiences=("hie",), clock=clock.now)


class TestGoodTokens:
    @pytest.mark.parametrize(("key", "alg"), [(RSA, "RS256"), (RSA, "PS256"), (EC, "ES256")])
    async def test_algorithms(self, key: Any, alg: str) -> None:
        """RS256, PS256 and ES256 are taken."""
        found = await verifier(PublishedKeys(), Clock()).verify(sign(claims(), key, alg))

        assert (found.subject, found.roles, found.client) == ("s-1", ("clinician",), "workbench")
        assert found.organization == "urn:hie:organization|370303-H01"

    async def test_a_known_token_costs_no_signature_check_until_it_ends(self) -> None:
        """The second look is by hash; the end is kept to the second."""
        clock = Clock()
        tokens = verifier(PublishedKeys(), clock)
        token = sign(claims())
        first = await tokens.verify(token)

        assert await tokens.verify(token) is first

        clock.passed = 331
        with pytest.raises(Unauthenticated):
            await tokens.verify(token)


class TestBadTokens:
    @pytest.mark.parametrize(
        "changes",
        [
            {"iss": "https://elsewhere.example/realms/zibo"},
            {"aud": "another"},
            {"aud": None},
            {"exp": int(AT.timestamp()) - 31},
            {"exp": None},
            {"exp": "tomorrow"},
            {"exp": True},
            {"nbf": int(AT.timestamp()) + 60},
            {"iat": int(AT.timestamp()) + 60},
            {"typ": "ID"},
            {"typ": "Refresh"},
            {"sub": None},
            {"sub": ""},
        ],
    )
    async def test_a_wrong_claim_is_refused(self, changes: dict[str, Any]) -> None:
        """Issuer, audience, time, kind and subject are all checked."""
        with pytest.raises(Unauthenticated):
            await verifier(PublishedKeys(), Clock()).verify(sign(claims(**changes)))

    async def test_a_changed_body_is_refused(self) -> None:
        """A claim that was changed after signing breaks the signature."""
        head, _, tail = sign(claims()).split(".")
        body = base64.urlsafe_b64encode(json.dumps(claims(sub="s-2")).encode()).rstrip(b"=").decode()

        with pytest.raises(Unauthenticated):
            await verifier(PublishedKeys(), Clock()).verify(f"{head}.{body}.{tail}")

    async def test_a_secret_made_of_the_public_key_is_refused(self) -> None:
        """Algorithm confusion: HS256 with the public key as its secret."""
        head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"rsa-1"}').rstrip(b"=")
        body = base64.urlsafe_b64encode(json.dumps(claims()).encode()).rstrip(b"=")
        code = hmac.digest(RSA.as_pem(private=False), head + b"." + body, "sha256")
        forged = b".".join([head, body, base64.urlsafe_b64encode(code).rstrip(b"=")]).decode()

        with pytest.raises(Unauthenticated):
            await verifier(PublishedKeys(), Clock()).verify(forged)

    @pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "e30.e30.", "x" * 20000, "bnVsbA.e30.e30", "éé.a.b"])
    async def test_what_is_no_token_is_refused(self, token: str) -> None:
        """Nothing that a header may hold breaks the verifier."""
        with pytest.raises(Unauthenticated):
            await verifier(PublishedKeys(), Clock()).verify(token)

    async def test_no_signature_at_all(self) -> None:
        """`alg: none` is refused."""
        head = base64.urlsafe_b64encode(b'{"alg":"none","kid":"rsa-1"}').rstrip(b"=").decode()
        body = base64.urlsafe_b64encode(json.dumps(claims()).encode()).rstrip(b"=").decode()

        with pytest.raises(Unauthenticated):
            await verifier(PublishedKeys(), Clock()).verify(f"{head}.{body}.")


class TestKeys:
    async def test_a_new_key_is_fetched_once(self) -> None:
        """After a rotation the first token with the new key makes us look; made-up key ids do not."""
        published, clock = PublishedKeys(keys=[RSA]), Clock()
        tokens = verifier(published, clock)
        await tokens.verify(sign(claims()))
        published.keys.append(OTHER_RSA)
        clock.passed = 20

        await tokens.verify(sign(claims(), OTHER_RSA))
        for number in range(5):
            with pytest.raises(Unauthenticated):
                await tokens.verify(sign(claims(), RSA, kid=f"made-up-{number}"))

        assert published.fetched == 2

    async def test_known_keys_outlive_an_issuer_that_is_away(self) -> None:
        """An issuer that restarts does not lock everybody out."""
        published, clock = PublishedKeys(), Clock()
        tokens = verifier(published, clock)
        await tokens.verify(sign(claims()))
        published.down, clock.passed = True, 700

        assert (await tokens.verify(sign(claims(exp=int(AT.timestamp()) + 900)))).subject == "s-1"

    async def test_without_any_key_the_answer_is_try_again(self) -> None:
        """An issuer that never answered is not the caller's fault."""
        with pytest.raises(Unavailable):
            await verifier(PublishedKeys(down=True), Clock()).verify(sign(claims()))

    async def test_another_issuers_discovery_document_is_not_believed(self) -> None:
        """The document must name the issuer it was fetched from."""
        with pytest.raises(Unavailable):
            await verifier(PublishedKeys(issuer="https://elsewhere.example"), Clock()).verify(sign(claims()))
