"""
Character sets: which one a message is written in (MSH-18), and its bytes as text, strictly.

HL7 table 0211; HL7 v2 chapter 2.15.9.18
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from adapters.errors import NotUnderstood

LOCATION = "MSH^1^18"
LONGEST_HEADER = 65_536
# GB18030 contains GBK, which contains GB2312; senders write whichever name they know.
_CODECS = {
    **dict.fromkeys(("UNICODEUTF8", "UNICODE", "UTF8", "ISOIR192", "CP65001", "65001"), "utf-8"),
    **dict.fromkeys(("GB180302000", "GB180302005", "GB180302022", "GB18030", "CP54936", "54936"), "gb18030"),
    **dict.fromkeys(("GBK", "GB2312", "GB231280", "GB23121980", "EUCCN", "CP936", "MS936", "936"), "gb18030"),
    "BIG5": "big5", "CP950": "cp950", "MS950": "cp950", "950": "cp950", "BIG5HKSCS": "big5hkscs",
    **dict.fromkeys(("ASCII", "USASCII", "ISOIR6"), "ascii"),
    "ISOIR100": "iso8859-1",
    **{f"8859{part}": f"iso8859-{part}" for part in (*range(1, 12), 13, 14, 15, 16)},
    **{f"ISO8859{part}": f"iso8859-{part}" for part in (*range(1, 12), 13, 14, 15, 16)},
    "KSX1001": "euc_kr",
    "WINDOWS1252": "cp1252",
}
_WIDE = re.compile(r"^(UNICODE)?UTF(16|32)")
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE, b"M\x00S\x00", b"\x00M\x00S")
_MARKS = {codecs.BOM_UTF8: "utf-8", b"\x84\x31\x95\x33": "gb18030"}
# Fewer bytes than these may be valid in two encodings by chance.
_SUSPICIOUS = 12


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text, the Python codec that read it, and remarks for the sender (no health data)."""

    text: str
    codec: str
    remarks: tuple[str, ...] = ()


def codec_of(name: str) -> str | None:
    """The Python codec of a name of table 0211 or of the field; None when it is not known, or is wide (UTF-16)."""
    return _CODECS.get(re.sub(r"[\s_\-./]", "", name.upper()))


def start(raw: bytes) -> int:
    """Where the text begins: after a byte order mark, blanks and line ends."""
    head = raw[:64]
    mark = next((mark for mark in _MARKS if head.startswith(mark)), b"")
    rest = head[len(mark) :]
    return len(mark) + len(rest) - len(rest.lstrip(b"\x0b\r\n\t "))


def declared(raw: bytes) -> str:
    """
    MSH-18, first repetition, as sent; "" when absent.

    Read from bytes. Where a trail byte of GBK or Big5 looks like a separator, the line is counted again in those.
    """
    begin = start(raw)
    line = re.split(rb"[\r\n]", raw[begin : begin + LONGEST_HEADER], maxsplit=1)[0]
    first = ""
    for codec in ("latin-1", "gb18030", "big5"):
        found = _field_18(line.decode(codec, "replace"))
        if codec_of(found):
            return found
        first = first or found
    return first


def _field_18(line: str) -> str:
    fields = line.split(line[3:4]) if len(line) > 3 else []
    if len(fields) < 18:
        return ""
    repetition = fields[1][1:2]
    return (fields[17].split(repetition)[0] if repetition else fields[17]).strip()


def decode(raw: bytes, *, default: str) -> Decoded:
    """
    The text of a message: by its byte order mark, else MSH-18, else `default` (the site's).

    Raises NotUnderstood where a byte does not fit, and for UTF-16 and UTF-32: their bytes cannot travel in frames.
    """
    name = declared(raw)
    if raw.startswith(_WIDE_MARKS) or _WIDE.match(re.sub(r"[\s_\-./]", "", name.upper())):
        raise NotUnderstood("UTF-16 and UTF-32 are not taken; send UTF-8.", location=LOCATION, condition="102")
    mark = next((mark for mark in _MARKS if raw.startswith(mark)), b"")
    codec, remarks = _choose(raw, name, default, _MARKS.get(mark))
    return Decoded(_strict(raw[len(mark) :], codec), codec, remarks)


def _choose(raw: bytes, name: str, default: str, marked: str | None) -> tuple[str, tuple[str, ...]]:
    codec = codec_of(name) if name else None
    if codec is None and name:
        if not raw.isascii():
            raise NotUnderstood("The character set is not known here.", location=LOCATION, condition="103")
        return "ascii", ("The character set is not known here; the message is plain ASCII.",)
    if codec == "gb18030" and not marked and _reads_as_utf8(raw):
        return codec, ("Declared as GB, but the bytes are also well-formed UTF-8.",)
    return codec or marked or codec_of(default) or "utf-8", ()


def _reads_as_utf8(raw: bytes) -> bool:
    if raw.isascii() or len(raw.translate(None, bytes(range(128)))) < _SUSPICIOUS:
        return False
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _strict(raw: bytes, codec: str) -> str:
    try:
        return raw.decode(codec)
    except UnicodeDecodeError as error:
        # `from None`: the original error carries the bytes.
        raise NotUnderstood(f"Byte {error.start} is not {codec}.", location=LOCATION, condition="102") from None
