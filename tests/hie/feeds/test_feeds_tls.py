"""Feeds over TLS and mutual TLS, to a real receiver: who is trusted is served, and who is not waits and says why."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from answer_world import FEED, answering, result
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from feed_hospital import Hospital
from feed_world import FeedWorld, adt, until
from test_feeds_commands import ask

from adapters.mllp.tls import server_context

A01 = ["ADT^A01"]


class Authority:
    """Signs certificates for localhost; `ca` is its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.ca = self._write(name, self._certificate(name, self._key, ca=True), self._key)[0]

    def sign(self, name: str) -> tuple[Path, Path]:
        """Files of a certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        return self._write(name, self._certificate(name, key, ca=False), key)

    def _certificate(self, name: str, key: ec.EllipticCurvePrivateKey, *, ca: bool) -> x509.Certificate:
        now, public = datetime.now(UTC), self._key.public_key()
        return (
            x509.CertificateBuilder().subject_name(_named(name)).issuer_name(_named(self._name))
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )  # fmt: skip

    def _write(self, name: str, made: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> tuple[Path, Path]:
        pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        files = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        files[0].write_bytes(made.public_bytes(pem))
        files[1].write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()))
        return files


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


@pytest.fixture
def region(tmp_path: Path) -> Authority:
    """Whom receivers and the exchange have in common."""
    return Authority(tmp_path, "region")


@asynccontextmanager
async def secure(region: Authority, *, mutual: bool = False, release: Any = 1) -> AsyncIterator[Hospital]:
    """A hospital that speaks TLS; with `mutual` it wants to see a certificate that the region signed."""
    certificate, key = region.sign("hospital")
    context = server_context(certificate, key, region.ca if mutual else None)
    async with Hospital.open(tls=context, release=release) as one:
        yield one


async def feed(world: FeedWorld, hospital: Hospital, *, host: str = "localhost", **tls: Path) -> None:
    port = hospital.server.port if hospital.server else 0
    said = {name: str(path) for name, path in tls.items()}
    await world.feed(messages=A01, address=f"{host}:{port}", **({"tls": said} if said else {}))


async def reason(world: FeedWorld, name: str = "h02") -> str:
    """What the first message of a feed waits for, after a second try."""
    waits = {"feed": name, "state": "waiting", "tries": {"$gte": 2}, "reason": {"$ne": ""}}
    found: dict[str, Any] = await until(lambda: world.services.feeds.messages.find_one(waits))
    return str(found["reason"])


class TestTls:
    async def test_trusted(self, world: FeedWorld, region: Authority) -> None:
        """A receiver whose certificate the region signed gets its messages."""
        async with secure(region) as hospital:
            await feed(world, hospital, ca=region.ca)
            await world.send(adt("1"))
            counts = await world.quiet()

        assert (hospital.kinds, counts["sent"]) == (["ADT^A01"], 1)

    async def test_wrong_authority(self, world: FeedWorld, region: Authority, tmp_path: Path) -> None:
        """A certificate of a stranger: nothing leaves, it waits, the status says why; with the right one it arrives."""
        stranger = Authority(tmp_path, "stranger")
        async with secure(region) as hospital:
            await feed(world, hospital, ca=stranger.ca)
            await world.send(adt("1"))
            said = await reason(world)
            assert said.startswith("TLS: the receiver's certificate is not accepted (")
            assert "issuer certificate" in said
            assert (hospital.raw, (await world.services.feeds.counts("h02"))["waiting"]) == ([], 1)
            code, shown = await asyncio.to_thread(ask, world.services.settings, "show", "h02")
            assert (code, said in shown) == (0, True)

            await feed(world, hospital, ca=region.ca)
            counts = await world.quiet()

        assert (hospital.kinds, counts["sent"]) == (["ADT^A01"], 1)

    async def test_another_host(self, world: FeedWorld, region: Authority) -> None:
        """A certificate of the region for another host is none for this one."""
        async with secure(region) as hospital:
            await feed(world, hospital, host="127.0.0.1", ca=region.ca)
            await world.send(adt("1"))
            said = await reason(world)

        assert "not valid for '127.0.0.1'" in said
        assert hospital.raw == []

    async def test_plain(self, world: FeedWorld, region: Authority) -> None:
        """A feed without TLS to a receiver with it: nothing is taken, and it waits."""
        async with secure(region) as hospital:
            await feed(world, hospital)
            await world.send(adt("1"))
            assert await reason(world)

        assert hospital.raw == []

    async def test_no_file(self, world: FeedWorld, region: Authority, tmp_path: Path) -> None:
        """A certificate that is not on the worker's machine is said to be that."""
        async with secure(region) as hospital:
            await feed(world, hospital, ca=tmp_path / "none.pem")
            await world.send(adt("1"))
            assert await reason(world) == "TLS: a file of the profile cannot be read"

        assert hospital.raw == []


class TestMutual:
    @pytest.mark.parametrize("release", [1, 2])
    async def test_both(self, world: FeedWorld, region: Authority, release: int) -> None:
        """Each side shows a certificate of the region; messages come in order, in either release of MLLP."""
        certificate, key = region.sign("exchange")
        async with secure(region, mutual=True, release=release) as hospital:
            await feed(world, hospital, ca=region.ca, certificate=certificate, key=key)
            await world.send(adt("1"), adt("2", "L2", number="370303194809150175", name="李^四"))
            counts = await world.quiet()

        assert (hospital.kinds, counts["sent"]) == (["ADT^A01"] * 2, 2)

    async def test_nothing_to_show(self, world: FeedWorld, region: Authority) -> None:
        """Without a certificate of its own the exchange is refused, and says so; with one what waits goes out."""
        async with secure(region, mutual=True) as hospital:
            await feed(world, hospital, ca=region.ca)
            await world.send(adt("1"))
            assert "TLS: " in await reason(world)
            assert hospital.raw == []

            certificate, key = region.sign("exchange")
            await feed(world, hospital, ca=region.ca, certificate=certificate, key=key)
            counts = await world.quiet()

        assert (hospital.kinds, counts["sent"]) == (["ADT^A01"], 1)

    async def test_strangers_certificate(self, world: FeedWorld, region: Authority, tmp_path: Path) -> None:
        """A certificate that somebody else signed is as good as none."""
        certificate, key = Authority(tmp_path, "stranger").sign("exchange")
        async with secure(region, mutual=True) as hospital:
            await feed(world, hospital, ca=region.ca, certificate=certificate, key=key)
            await world.send(adt("1"))
            assert "TLS: " in await reason(world)

        assert hospital.raw == []


class TestAnswers:
    async def test_mutual(self, world: FeedWorld, region: Authority) -> None:
        """The answers to a site go over mutual TLS as its profile says."""
        certificate, key = region.sign("exchange")
        async with secure(region, mutual=True) as hospital, answering(world.services, hospital) as site:
            port = hospital.server.port if hospital.server else 0
            files = {"ca": str(region.ca), "certificate": str(certificate), "key": str(key)}
            await site.profile(address=f"localhost:{port}", tls=files)
            assert await site.send(result("R1")) == ["CA R1"]
            assert await site.answers(1) == ["AA R1"]
            await site.quiet()

        assert (await world.services.feeds.counts(FEED))["sent"] == 1
