"""Work grows with the message and not with its square: sixteen times as much takes about sixteen times as long."""

from __future__ import annotations

import base64
import gc
import time
from collections.abc import Callable, Iterator

import pytest
from fuzz_way import travel_all

HEAD = "MSH|^~\\&|LIS|H01|HIE|ZB|20260101120000+0800||{kind}|C1|P|2.5.1||||||UNICODE UTF-8\r"
PID = "PID|1||L1^^^H01^MR||王^晓梅||19850612|F\r"
ORDER = "OBR|{n}|P{n}|F{n}|X{n}^项目^L|||20260101\r"
# Sixteen times the work may take so many times as long, caches and a busy machine included; its square would take 256.
MOST = 100
LEAST_SECONDS = 0.01


def oru(body: str) -> bytes:
    return (HEAD.format(kind="ORU^R01^ORU_R01") + PID + body).encode()


def adt(body: str, pid: str = PID) -> bytes:
    return (HEAD.format(kind="ADT^A01^ADT_A01") + "EVN|A01|20260101\r" + pid + "PV1|1|I\r" + body).encode()


def observation(kind: str, value: str) -> bytes:
    return oru(ORDER.format(n=1) + f"OBX|1|{kind}|X^项目^L||{value}||||||F\r")


def nested(count: int) -> str:
    """Orders, each with results, notes and a specimen."""
    parts = (
        f"ORC|RE|P{n}|F{n}\r{ORDER.format(n=n)}NTE|1||注\rOBX|1|NM|A^甲^L||{n}|mg||||F\rNTE|1||注\rSPM|1|S{n}\r"
        for n in range(count)
    )
    return "".join(parts)


def results(count: int) -> str:
    return ORDER.format(n=1) + "".join(f"OBX|{n}|NM|A{n}^甲^L||{n}|mg|1-9|N|||F\r" for n in range(count))


SHAPES: dict[str, tuple[int, Callable[[int], bytes]]] = {
    "one long field": (200_000, lambda n: observation("TX", "字" * n)),
    "one long line of words": (20_000, lambda n: observation("FT", "word " * n)),
    "components": (20_000, lambda n: observation("CE", "^".join(["a"] * n))),
    "subcomponents": (20_000, lambda n: observation("CE", "&".join(["a"] * n))),
    "repetitions of text": (4_000, lambda n: observation("TX", "~".join(["行"] * n))),
    "repetitions of a code": (400, lambda n: observation("CE", "~".join(f"A{k}^甲^L" for k in range(n)))),
    "repetitions of an identifier": (
        200, lambda n: adt("", f"PID|1||{'~'.join(f'L{k}^^^H01^MR' for k in range(n))}||王^梅\r"),
    ),
    "repetitions of a name": (
        200, lambda n: adt("", f"PID|1||L1^^^H01^MR||{'~'.join(f'王^梅{k}' for k in range(n))}\r"),
    ),
    "repetitions of an address": (
        200, lambda n: adt("", f"PID|1||L1^^^H01^MR||王^梅||||||{'~'.join(f'路{k}^^淄博' for k in range(n))}\r"),
    ),
    "escape sequences": (10_000, lambda n: observation("FT", "\\.br\\\\T\\\\XE78E8B\\" * n)),
    "escape characters that begin nothing": (50_000, lambda n: observation("FT", "\\" * n)),
    "hexadecimal that never ends": (50_000, lambda n: observation("FT", "\\X" + "41" * n)),
    "escapes in every component": (4_000, lambda n: observation("CE", "^".join(["\\T\\"] * n))),
    "empty fields": (50_000, lambda n: adt("ZZZ" + "|" * n + "\r")),
    "header without end": (20_000, lambda n: b"MSH|^~\\&|" + b"A|" * n),
    "blank lines": (50_000, lambda n: adt("\r" * n)),
    "lines that begin no segment": (4_000, lambda n: adt("NTE|1||a\r" + "loose\r" * n)),
    "local segments": (400, lambda n: adt("".join(f"ZZ{k % 10}|{k}\r" for k in range(n)))),
    "results": (60, lambda n: oru(results(n))),
    "orders with all below": (25, lambda n: oru(nested(n))),
    "segments out of order": (150, lambda n: oru("OBX|1|NM|A^甲^L||1\rPID|1||L1\rOBR|1\rNTE|1||x\r" * n)),
    "patients": (40, lambda n: oru("".join(f"PID|1||L{k}\r{ORDER.format(n=k)}OBX|1|NM|A^甲^L||1\r" for k in range(n)))),
    "diagnoses": (40, lambda n: adt("".join(f"DG1|{k}||I{k}^病^ICD-10||20260101|A\r" for k in range(n)))),
    "a large document": (
        300_000,
        lambda n: observation("ED", "^application^pdf^Base64^" + base64.b64encode(b"%PDF" * (n // 4)).decode()),
    ),
    "messages in one frame": (10, lambda n: adt("") * n),
    "control characters": (50_000, lambda n: observation("TX", "a\x01" * n)),
    "nulls": (2_000, lambda n: observation("TX", "~".join(['""'] * n))),
}  # fmt: skip


def seconds(raw: bytes) -> float:
    """Process time of the whole way; the best of two, so that another's work counts less."""
    taken = []
    for _ in range(2):
        begun = time.process_time()
        travel_all(raw)
        taken.append(time.process_time() - begun)
    return min(taken)


@pytest.fixture
def settled() -> Iterator[None]:
    """What other tests left is not looked through for garbage in the time of this one; services start so, too."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("settled")
class TestGrowth:
    @pytest.mark.parametrize("shape", SHAPES)
    def test_linear(self, shape: str) -> None:
        """Header, parse, acknowledgement and translation of a message that has much of one thing."""
        count, make = SHAPES[shape]
        travel_all(make(1))
        small, middle, large = (seconds(make(count * factor)) for factor in (1, 4, 16))

        assert large < MOST * max(small, LEAST_SECONDS), f"{small:.4f}, {middle:.4f}, {large:.4f} s"
