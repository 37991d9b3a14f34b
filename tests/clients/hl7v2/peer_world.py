"""An exchange on sockets, plain and with TLS, with workers and a feed, for peers of other hands."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.mllp.framing import Frame
from adapters.mllp.server import MllpServer
from adapters.mllp.tls import server_context
from hie.app import Services, carrier
from hie.exchange.leases import Leases
from hie.exchange.outbox_runner import OutboxRunner, Patience
from hie.exchange.worker import Pace, Worker
from hie.feeds import wiring
from hie.feeds.policy import Patience as Manners

QUICK = Manners(first=0.05, longest=0.3, idle=0.02, settling=0.0, margin=2.0, silence=0.3)


@dataclass(frozen=True, slots=True)
class Peered:
    """Ports that a peer speaks to, and the certificate that it is to trust."""

    services: Services
    port: int
    secure: int
    certificate: Path

    async def drain(self) -> dict[str, int]:
        """Wait until nothing is pending; the journal's counts."""
        async with asyncio.timeout(20):
            while await self.services.journal.pending():
                await asyncio.sleep(0.01)
        return dict(await self.services.journal.counts())

    async def run(self, command: list[str], seconds: float = 120, **environment: str) -> dict[str, str]:
        """Run a program that prints one JSON line a step: what went wrong in each, empty where nothing did."""
        ports = {"HL7_LISTENER": str(self.port), "HL7_SECURE": str(self.secure)}
        told = ports | {"HL7_CERTIFICATE": str(self.certificate)}
        output, errors, code = await finished(command, told | environment, seconds)
        lines = [json.loads(line) for line in output.splitlines() if line.startswith('{"step"')]
        assert lines and code == 0, f"{output[-2000:]}\n{errors[-3000:]}"
        return {line["step"]: line["error"] for line in lines}


async def finished(command: list[str], environment: Mapping[str, str], seconds: float) -> tuple[str, str, int]:
    """Output, errors and code of a program."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, env=os.environ | environment, stdout=pipe, stderr=pipe)
    try:
        output, errors = await asyncio.wait_for(process.communicate(), seconds)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return output.decode("utf-8", "replace"), errors.decode("utf-8", "replace"), process.returncode or 0


@asynccontextmanager
async def peered(services: Services, folder: Path) -> AsyncIterator[Peered]:
    """Listeners and workers of an exchange."""

    async def accept(frame: Frame) -> bytes | None:
        return await services.intake.accept(frame, "mllp")

    certificate, key = certified(folder)
    plain, secure = MllpServer(accept), MllpServer(accept, tls=server_context(certificate, key))
    await plain.start()
    await secure.start()
    try:
        async with working(services):
            yield Peered(services, plain.port, secure.port, certificate)
    finally:
        await plain.stop()
        await secure.stop()


@asynccontextmanager
async def working(services: Services) -> AsyncIterator[None]:
    """Lanes, outbox and feeds."""
    stop = asyncio.Event()
    lanes, consumers = (
        Leases(services.client, services.settings.database_prefix, name, "peers", seconds=2.0)
        for name in ("lanes", "consumers")
    )
    worker = Worker(
        services.journal, carrier(services), lanes, lanes=services.settings.lanes, unmapped=services.unmapped,
        quarantine=services.quarantine, pace=Pace(shortest=0.002, longest=0.02),
    )  # fmt: skip
    runner = OutboxRunner(services.outbox, consumers, patience=Patience(idle=0.02, first=0.05))
    told = wiring.deliveries(services.fhir, services.feeds, services.directory.profiles, "peers", QUICK)
    tasks = [asyncio.create_task(one.run(stop)) for one in (worker, runner, told)]
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 20)


def certified(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost that signs itself, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    signed = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    form = serialization.PrivateFormat.PKCS8
    files = folder / "peer.pem", folder / "peer.key"
    files[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return files
