"""
$import by Parameters: the kick-off request that names the files to fetch.

https://github.com/smart-on-fhir/bulk-import, https://learn.microsoft.com/azure/healthcare-apis/fhir/import-data
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from hie.access.caller import Caller
from hie.access.policy import Denied, policy
from hie.fhir.bulk.asked import parameters_of
from hie.fhir.bulk.export import begin, request_of, require_async
from hie.fhir.bulk.job import Input, Job
from hie.fhir.bulk.jobs import owner_of
from hie.fhir.bulk.lines import SPELLINGS
from hie.fhir.call import Answer, Call
from hie.settings import Settings
from records.definitions import definitions
from records.documents import moment
from records.errors import Invalid, UnknownParameter
from records.stored import Json

MOST_INPUTS = 1_000
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


async def import_files(call: Call) -> Answer:
    """`POST [base]/$import` with Parameters; the files are fetched and read in the background."""
    require_async(call)
    permit(call.caller)
    inputs = _read(call)
    at = moment(call.services.clock())
    job = Job(
        str(uuid.uuid4()), owner_of(call.caller), call.caller, request_of(call), at, inputs=inputs, touched=at
    )  # fmt: skip
    return await begin(call, job, "import")


def permit(caller: Caller) -> None:
    """Denied unless the caller is a system that may do everything with every type."""
    role = policy().roles.get(caller.role)
    if role is None or "system" not in role.contexts:
        raise Denied("scope-missing", "$import is for systems.")
    if not any(
        one.context == "system" and one.type == "*" and set("cruds") <= set(one.letters) and not one.query
        for one in caller.scopes
    ):
        raise Denied("scope-missing", "$import needs the scope system/*.cruds.")


@dataclass(slots=True)
class _Asked:
    settings: Settings
    inputs: list[Input] = field(default_factory=list)
    format: str = ""


def _read(call: Call) -> tuple[Input, ...]:
    asked = _Asked(call.services.settings)
    for one in parameters_of(call.body):
        name = str(one.get("name", ""))
        if (taker := _TAKERS.get(name)) is not None:
            taker(asked, one)
        elif not call.lenient:
            raise UnknownParameter(f"$import takes no parameter {name[:64]!r}.")
    if not asked.format:
        raise Invalid("$import needs the parameter inputFormat, application/fhir+ndjson.", status=400)
    if not 0 < len(asked.inputs) <= MOST_INPUTS:
        raise Invalid(f"$import needs the parameter input, up to {MOST_INPUTS} times.", status=400)
    return tuple(asked.inputs)


def _format(asked: _Asked, one: Json) -> None:
    value = _text(one)
    if value not in SPELLINGS:
        raise UnknownParameter("inputFormat is application/fhir+ndjson.")
    asked.format = value


def _source(_asked: _Asked, one: Json) -> None:
    # Who speaks is known by the token; the name that the sender gives its store is only checked for its form.
    _text(one)


def _storage(_asked: _Asked, one: Json) -> None:
    for part in one.get("part", ()):
        match part.get("name"), _text(part):
            case ("type", "https" | "http") | ("contentEncoding", "identity" | "gzip"):
                continue
        raise UnknownParameter("storageDetail is type (https or http) and contentEncoding (identity or gzip).")


def _input(asked: _Asked, one: Json) -> None:
    parts = {str(part.get("name")): _text(part) for part in one.get("part", ())}
    if unknown := set(parts) - {"type", "url"}:
        raise UnknownParameter(f"input takes type and url, not {sorted(unknown)[0][:64]!r}.")
    kind, url = parts.get("type", ""), parts.get("url", "")
    if kind and kind not in definitions().resource_types:
        raise Invalid(f"input.type: this server knows no resource type {kind[:64]!r}.", status=400)
    if not allowed(url, asked.settings):
        raise Invalid("input.url is at no address that HIE_BULK_IMPORT_FROM names.", status=400)
    asked.inputs.append(Input(kind, url))


def allowed(url: str, settings: Settings) -> bool:
    """True for an address at one of the origins of the settings; in the demonstration also on this machine."""
    try:
        found = urlsplit(url)
        origin = f"{found.scheme}://{found.netloc}".lower()
        host, port = found.hostname, found.port
    except ValueError:
        return False
    if found.scheme not in ("http", "https") or not host or "@" in found.netloc:
        return False
    if settings.mode == "demo" and host in LOOPBACK and port:
        return True
    return origin in {one.rstrip("/").lower() for one in settings.bulk_import_from.split()}


def _text(one: Json) -> str:
    values = [value for name, value in one.items() if name.startswith("value")]
    if len(values) != 1 or not isinstance(values[0], str):
        raise Invalid(f"{str(one.get('name'))[:64]!r} needs one value of its kind.", status=400)
    return values[0]


_TAKERS: dict[str, Callable[[_Asked, Json], None]] = {
    "inputFormat": _format, "inputSource": _source, "storageDetail": _storage, "input": _input,
}  # fmt: skip
