"""
The MLLP door: a listener whose frames go to the intake.
"""

from __future__ import annotations

from adapters.mllp.conversation import Reply
from adapters.mllp.framing import Frame
from adapters.mllp.server import MllpServer
from adapters.mllp.tls import server_context
from hie.exchange.intake import Door, Intake
from hie.exchange.listeners import Listener
from hie.settings import Settings


def mllp_server(intake: Intake, settings: Settings, listener: Listener) -> MllpServer:
    """The server of one listener; it does not listen yet."""

    async def take(frame: Frame) -> Reply:
        door = Door(sender=listener.sender, charset=listener.charset, connection=frame.connection)
        receipt = await intake.receive(frame, "mllp", door)
        return Reply(receipt.answer, receipt.kept, receipt.close)

    tls = listener.tls
    return MllpServer(
        take, host=listener.host, port=listener.port, max_bytes=settings.mllp_max_bytes,
        idle_seconds=settings.mllp_idle_seconds, max_connections=settings.mllp_max_connections,
        tls=server_context(tls.certificate, tls.key, tls.client_ca) if tls else None, release=listener.release,
        ended=intake.limits.left,
    )  # fmt: skip
