"""
`$process-message`: a message is filed whole, kept in the journal with its answer, and answered by a message.

https://hl7.org/fhir/R4/messageheader-operation-process-message.html
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import ConnectionFailure

from hie.errors import Fault, HieError, fault
from hie.exchange.inbound import InboundMessage
from hie.exchange.lanes import lane_of
from hie.fhir.call import Answer, Call, Params
from hie.fhir.operations.messaging.delivering import admit
from hie.fhir.operations.messaging.filing import Filed, Messages
from hie.fhir.operations.messaging.planning import Planned
from hie.fhir.operations.messaging.reading import Header, Message, is_message, read_header, read_message
from hie.fhir.operations.messaging.responding import Code, response
from hie.fhir.operations.parameters import FORM, taken, truth
from hie.fhir.operations.validate.enforcing import Claims
from hie.fhir.outcome import informational
from hie.fhir.search_parameters.rights import allow_type
from hie.fhir.writing import permit
from records import validation
from records.errors import Gone, Invalid, RecordError
from records.stored import EVERYTHING, Stored

TAKEN = "The message is taken; the response message goes to the address that was asked for."
# Another writer came first, or the database did not answer: the same message may get through next time.
PASSING = frozenset({409, 429, 500, 502, 503, 504})


class _Parameter(msgspec.Struct, rename="camel"):
    name: str = ""
    resource: msgspec.Raw = msgspec.Raw(b"")
    value_boolean: bool | None = None
    value_url: str | None = None
    value_uri: str | None = None


class _Parameters(msgspec.Struct, rename="camel"):
    parameter: list[_Parameter] = []


@dataclass(frozen=True, slots=True)
class Asked:
    """The message in its own bytes; whether it is to be answered later, and where."""

    raw: bytes
    later: bool = False
    respond_to: str = ""


async def process_message(call: Call) -> Answer:
    """`POST [base]/$process-message`, or `POST [base]` with a Bundle of type message."""
    asked = _asked(call)
    header = read_header(asked.raw)
    try:
        message = read_message(asked.raw, header, call.services.clock().date(), call.services.settings.fhir_max_entries)
        respond_to = await admit(asked.respond_to or header.endpoint, call.services.settings) if asked.later else ""
        filed = await _take(call, message, respond_to)
    except (HieError, RecordError, ConnectionFailure) as error:
        if asked.later:
            # Nobody waits at the address yet: the refusal is told at once.
            raise
        return await _refused(call, asked.raw, header, fault(error))
    if asked.later:
        return Answer(202, informational(TAKEN), {}, filed.rows, interaction="operation")
    return Answer(200, filed.answer, {}, filed.rows, interaction="operation")


def _asked(call: Call) -> Asked:
    validation.read_json(call.body)
    query = tuple(pair for pair in call.query if pair[0] not in FORM)
    raw, simple = (call.body, Params()) if is_message(call.body) else _from_parameters(call.body)
    given = taken("process-message", (*query, *simple), ("async", "response-url"))
    later = truth("process-message", "async", given.get("async", "false"))
    if "response-url" in given and not later:
        raise Invalid("A response-url is for messages with async=true; others are answered at once.", status=400)
    return Asked(raw, later, given.get("response-url", ""))


def _from_parameters(body: bytes) -> tuple[bytes, Params]:
    resource = validation.parse(body)
    if resource["resourceType"] != "Parameters":
        raise Invalid("The body is a message, or Parameters that hold it as `content`.", status=400)
    try:
        listed = msgspec.json.decode(body, type=_Parameters).parameter
    except msgspec.ValidationError as error:
        raise Invalid("The body is not Parameters as FHIR defines them.", status=400) from error
    contents = [bytes(one.resource) for one in listed if one.name == "content"]
    if len(contents) != 1 or not contents[0]:
        raise Invalid("$process-message needs one message, as the parameter `content`.", status=400)
    return contents[0], tuple((one.name, _text(one)) for one in listed if one.name != "content")


def _text(parameter: _Parameter) -> str:
    if parameter.value_boolean is not None:
        return "true" if parameter.value_boolean else "false"
    return parameter.value_url or parameter.value_uri or ""


async def _take(call: Call, message: Message, respond_to: str) -> Filed:
    services = call.services
    held = Claims.of(services.store, services.settings)
    messages = Messages(services.filing, services.journal, services.clock, call.base, held)

    async def allowed(planned: Planned, stored: Stored | None, session: AsyncClientSession) -> None:
        await _permit(call, planned, stored, session)

    return await messages.take(message, _entry(call, message), allowed, respond_to)


def _entry(call: Call, message: Message) -> InboundMessage:
    services, endpoint = call.services, message.header.endpoint
    return InboundMessage(
        services.journal.next_id(), "fhir", services.clock(), message.raw, state="committed",
        sender=f"{call.caller.client}|{endpoint}", control_id=message.header.id, type=message.event.code,
        charset="UTF-8", lane=lane_of(f"|{endpoint}", "", services.settings.lanes), acknowledgement="ok",
    )  # fmt: skip


async def _permit(call: Call, planned: Planned, stored: Stored | None, session: AsyncClientSession) -> None:
    """The caller's scopes and limits, resource by resource; what stays as it is needs none."""
    if stored is not None and not planned.owned and not stored.deleted:
        return
    allow_type(call.caller, planned.type)
    visibility = await call.visibility(planned.type, "create" if stored is None else "update")
    permit(planned.resource, visibility)
    if stored is None or visibility == EVERYTHING:
        return
    try:
        await call.services.store.read(planned.type, planned.id, visibility=visibility, session=session)
    except Gone:
        return


async def _refused(call: Call, raw: bytes, header: Header, problem: Fault) -> Answer:
    code: Code = "transient-error" if problem.status in PASSING else "fatal-error"
    await call.services.journal.keep_rejected(
        channel="fhir", raw=raw, reason=problem.text, sender=f"{call.caller.client}|{header.endpoint}"
    )
    body = response(header, code, problem.issues, call.base, call.services.clock())
    return Answer(problem.status, body, interaction="operation")
