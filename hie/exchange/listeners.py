"""
The MLLP listeners of an exchange: one by the settings, or several by a file, each with its own port, TLS and habits.

    listeners:
      - port: 2575
      - port: 2576
        release: 2
        sender: HIS|H01          # whose messages are that name nobody in MSH-3 and MSH-4
        charset: GB 18030-2000   # where MSH-18 and the sender's profile name none
        tls:
          certificate: server.pem
          key: server.key
          client_ca: hospitals.pem   # a client certificate is required

HL7 v2 Transport Specification: MLLP; https://profiles.ihe.net/ITI/TF/Volume2/ITI-19.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yaml.nodes import Node

from adapters.hl7v2.charset import codec_of
from adapters.mllp.conversation import Release
from hie.directory.yaml_lines import Invalid, Problem, Reader, composed
from hie.errors import Unavailable
from hie.settings import Settings

FILE = "listeners.yaml"
_KEYS = frozenset({"port", "host", "release", "sender", "charset", "tls"})
_TLS_KEYS = frozenset({"certificate", "key", "client_ca"})


@dataclass(frozen=True, slots=True)
class Tls:
    """Our certificate and key; with `client_ca` a sender must show a certificate signed by it."""

    certificate: Path
    key: Path
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class Listener:
    """One port. `sender` and `charset` stand in where a message (and its sender's profile) says nothing."""

    port: int
    host: str
    tls: Tls | None = None
    release: Release = 1
    sender: str = ""
    charset: str = ""


def listeners(settings: Settings) -> tuple[Listener, ...]:
    """Those of the file, where there is one; else the one of the settings. Raises Unavailable with what is wrong."""
    file = settings.mllp_listeners or settings.data_dir / FILE
    if settings.mllp_listeners is None and not file.is_file():
        return (usual(settings),)
    try:
        return read(file.read_text(encoding="utf-8"), folder=file.parent, host=settings.host)
    except OSError as error:
        raise Unavailable(f"The file of the listeners cannot be read ({type(error).__name__}).") from error
    except Invalid as error:
        raise Unavailable(f"{file.name}: {error.text}") from error


def usual(settings: Settings) -> Listener:
    """The one listener that the settings describe."""
    certificate, key, client_ca = settings.mllp_tls_certificate, settings.mllp_tls_key, settings.mllp_tls_client_ca
    tls = None
    if certificate or key or client_ca:
        if certificate is None or key is None:
            # A half-configured listener must not fall back to plain text.
            raise Unavailable("TLS for MLLP needs both HIE_MLLP_TLS_CERTIFICATE and HIE_MLLP_TLS_KEY.")
        tls = Tls(certificate, key, client_ca)
    return Listener(settings.mllp_port, settings.host, tls, 2 if settings.mllp_release == 2 else 1)


def read(text: str, *, folder: Path, host: str) -> tuple[Listener, ...]:
    """The listeners of a file; paths are beside it. Raises Invalid with the lines of what is wrong."""
    reader, root = Reader(), composed(text)
    said = _said(reader, root, "", frozenset({"listeners"}))
    nodes = list(reader.items(said["listeners"], "listeners")) if "listeners" in said else []
    found = [_listener(reader, node, folder, host) for node in nodes]
    if not nodes and not reader.problems:
        reader.wrong(root, "listeners", "At least one listener is wanted.")
    if len({(one.host, one.port) for one in found}) < len(found):
        reader.wrong(root, "listeners", "Two listeners have one port.")
    if reader.problems:
        raise Invalid(reader.problems)
    return tuple(found)


def _said(reader: Reader, node: Node, key: str, known: frozenset[str]) -> dict[str, Node]:
    said = dict(reader.entries(node, key))
    for name in sorted(said.keys() - known):
        reader.problems.append(_unknown(said[name], name, known))
    return {name: value for name, value in said.items() if name in known}


def _unknown(node: Node, name: str, known: frozenset[str]) -> Problem:
    return Problem(node.start_mark.line + 1, name, f"No such key; there are {', '.join(sorted(known))}.")


def _listener(reader: Reader, node: Node, folder: Path, host: str) -> Listener:
    said = _said(reader, node, "listeners", _KEYS)
    if "port" not in said:
        reader.wrong(node, "port", "A port is wanted.")

    def one(name: str, read_: Callable[[str], Any], problem: str, default: Any) -> Any:
        return reader.as_(said[name], name, read_, problem) if name in said else default

    return Listener(
        port=one("port", _port, "A port is a number up to 65535.", 0) or 0,
        host=one("host", str, "", host) or host,
        tls=_tls(reader, said["tls"], folder) if "tls" in said else None,
        release=one("release", _release, "The release of MLLP is 1 or 2.", 1) or 1,
        sender=one("sender", _sender, "A sender is MSH-3|MSH-4.", "") or "",
        charset=one("charset", _charset, "No character set of HL7 table 0211.", "") or "",
    )


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise ValueError(text)
    return port


def _release(text: str) -> Release:
    if text not in ("1", "2"):
        raise ValueError(text)
    return 2 if text == "2" else 1


def _sender(text: str) -> str:
    if text.count("|") != 1 or not text.replace("|", "").strip():
        raise ValueError(text)
    return text


def _charset(text: str) -> str:
    if codec_of(text) is None:
        raise ValueError(text)
    return text


def _tls(reader: Reader, node: Node, folder: Path) -> Tls | None:
    said: Mapping[str, Node] = _said(reader, node, "tls", _TLS_KEYS)
    if not {"certificate", "key"} <= said.keys():
        reader.wrong(node, "tls", "TLS needs a certificate and a key.")
        return None
    paths = {name: folder / reader.text(one, name) for name, one in said.items()}
    for name, path in paths.items():
        if not path.is_file():
            reader.wrong(said[name], name, "There is no such file.")
    return Tls(paths["certificate"], paths["key"], paths.get("client_ca"))
