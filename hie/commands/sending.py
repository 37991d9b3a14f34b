"""
`hie send`: HL7 v2 files over MLLP, one or many messages a file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from adapters.errors import AdapterError
from adapters.mllp.client import MllpClient

_START = re.compile(rb"(?:^|[\r\n\x0b])(?=MSH.)")
_CODE = re.compile(rb"MSA.([A-Z]{2})")


def messages_in(content: bytes) -> Iterator[bytes]:
    """Each message of a file: frames, or text in which every message begins with MSH on a new line."""
    body = content.removeprefix(b"\xef\xbb\xbf").replace(b"\x1c\r", b"\r").replace(b"\x1c", b"").replace(b"\x0b", b"\r")
    starts = [found.end() for found in _START.finditer(body)]
    if not starts:
        # Not HL7 at all: sent as it is, so that the exchange can say so in its own words.
        yield content
        return
    for begin, end in zip(starts, [*starts[1:], len(body)], strict=True):
        yield body[begin:end].rstrip(b"\r\n \t") + b"\r"


async def send_files(files: Sequence[Path], host: str, port: int, show: Callable[[str], None]) -> Counter[str]:
    """Send all, show each acknowledgement, return how many came back with each code (`none`: no answer)."""
    codes: Counter[str] = Counter()
    for file in files:
        for number, message in enumerate(messages_in(file.read_bytes()), 1):
            code, answer = await _send(message, host, port)
            codes[code] += 1
            show(f"{file.name}[{number}] {code}")
            show(answer)
    return codes


async def _send(message: bytes, host: str, port: int) -> tuple[str, str]:
    try:
        async with MllpClient(host, port, timeout=60.0) as client:
            answer = await client.send(message)
    except (OSError, TimeoutError, AdapterError) as error:
        return "none", f"  no acknowledgement: {type(error).__name__}"
    found = _CODE.search(answer)
    shown = answer.decode("utf-8", "replace").strip().replace("\r", "\n  ")
    return (found[1].decode() if found else "none"), f"  {shown}"
