"""
One connection to a receiver, and what its answers mean.

HL7 v2 chapter 2.9: AA, CA taken; AE, CE the content is wrong; AR, CR it cannot now.
"""

from __future__ import annotations

import re
import ssl
from collections import deque
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

from adapters.errors import AdapterError
from adapters.hl7v2.parser import read_header
from adapters.mllp.client import MllpClient, NotCommitted
from adapters.mllp.tls import client_context
from hie.feeds.profile import Profile

Kind = Literal["done", "refused", "busy", "lost"]
# An answer to something older may still be under way on a connection; so many are passed over.
MOST_STRAYS = 100
_MEANING: dict[str, Kind] = {"A": "done", "E": "refused", "R": "busy"}
_SAFE = re.compile(r"[^A-Za-z0-9^]")


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    done: next. refused: dead, next. busy: the receiver has it not now, this lane rests. lost: no answer at all.

    `reason` holds no health data: codes and places of the answer, not its words.
    """

    kind: Kind
    code: str = ""
    reason: str = ""


TAKEN = Outcome("done")


def why(error: Exception, *, unproven: bool = False) -> str:
    """
    Why there is no connection or no answer, for whoever looks after the feed.

    `unproven`: over TLS, and the receiver has answered nothing on this connection yet. A receiver that does not accept
    our certificate ends the connection, in TLS 1.3 after we hold it to be made; its alert may get lost over it.
    """
    match error:
        case ssl.SSLCertVerificationError():
            return f"TLS: the receiver's certificate is not accepted ({error.verify_message})"[:200]
        case ssl.SSLError():
            return f"TLS: {error.reason or 'the connection was refused'}"[:200]
        case NotCommitted():
            return "the receiver could not commit it (NAK)"
        case ConnectionRefusedError():
            return "nobody listens at the address"
        case TimeoutError():
            return "no answer in time"
        case FileNotFoundError() | PermissionError():
            return "TLS: a file of the profile cannot be read"
        case ConnectionError() if unproven:
            return "TLS: the receiver ended the connection before an answer: does it accept our certificate?"
        case ConnectionError():
            return "the connection ended before the answer"
        case _:
            return type(error).__name__


@dataclass(frozen=True, slots=True)
class Late:
    """An application answer to a message that was committed before."""

    control: str
    outcome: Outcome


@dataclass(slots=True)
class Connection:
    """Opened when the first message goes out; closed by any trouble, and opened again by the next message."""

    profile: Profile
    _client: MllpClient | None = None
    _proven: bool = False
    _recent: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_STRAYS))
    late: list[Late] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End the connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.__aexit__(None, None, None)

    async def send(self, raw: bytes, control: str) -> Outcome:
        """Send one message and wait for what the receiver says of it."""
        try:
            client = await self._open()
            await client.post(raw)
            outcome = await self._answer(client, control) if self.profile.confirmed else TAKEN
        except (OSError, TimeoutError, AdapterError) as error:
            await self.close()
            return Outcome("lost", reason=why(error, unproven=self.profile.tls is not None and not self._proven))
        if outcome.kind == "lost":
            await self.close()
        self._proven = True
        self._recent.append(control)
        return outcome

    async def _open(self) -> MllpClient:
        if self._client is not None and self._client.closed:
            await self.close()
        if self._client is None:
            profile, files = self.profile, self.profile.tls
            tls = client_context(files.ca, files.certificate, files.key) if files else None
            client = MllpClient(profile.host, profile.port, timeout=profile.timeout, tls=tls, release=profile.mllp)
            self._proven = False
            self._client = await client.__aenter__()
        return self._client

    async def _answer(self, client: MllpClient, control: str) -> Outcome:
        for _ in range(MOST_STRAYS):
            answer = read_answer(await client.receive())
            # Some receivers name no message; only one is under way.
            if answer is None or answer.about in (control, ""):
                return outcome_of(answer)
            if answer.about not in self._recent:
                break
            self.late.append(Late(answer.about, outcome_of(answer)))
        # Whose answer this is nobody knows: begin anew rather than be one answer behind for ever.
        return Outcome("lost", reason="the answer is to another message")


@dataclass(frozen=True, slots=True)
class Answer:
    """What counts of an acknowledgement; read leniently, for many are not well formed."""

    code: str
    about: str
    condition: str = ""
    place: str = ""


def read_answer(raw: bytes) -> Answer | None:
    """None where it has no MSA, or no MSH to read it by."""
    try:
        characters = read_header(raw).characters
    except AdapterError:
        return None
    field, component = characters.field, characters.component or "^"
    lines = [line.split(field) for line in re.split(r"[\r\n]+", raw.decode("latin-1")) if line]
    msa = next((line for line in lines if line[0] == "MSA"), None)
    if msa is None:
        return None
    err = [*next((line for line in lines if line[0] == "ERR"), []), *[""] * 4]
    place = err[2] or err[1]
    old = err[1].split(component)[3:4]
    condition = err[3].split(component)[0] or (old[0].split(characters.subcomponent or "&")[0] if old else "")
    parts = [part for part in place.split(component)[: 6 if err[2] else 3] if part]
    return Answer(_plain(msa, 1).upper(), _plain(msa, 2), condition, "^".join(parts))


def _plain(line: list[str], at: int) -> str:
    return line[at].strip() if at < len(line) else ""


def outcome_of(answer: Answer | None) -> Outcome:
    """What an acknowledgement says."""
    code = answer.code if answer else ""
    kind = _MEANING.get(code[1:2]) if code[:1] in ("A", "C") and len(code) == 2 else None
    if answer is None or kind is None:
        return Outcome("lost", code[:2], "the answer is no acknowledgement")
    # Code, condition of table 0357 and place; the receiver's own words may hold what it was sent.
    reason = " ".join(_SAFE.sub("", part) for part in (code, answer.condition, answer.place) if part)[:200]
    return Outcome(kind, code, "" if kind == "done" else reason)
