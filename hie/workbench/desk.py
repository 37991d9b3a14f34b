"""
What a module of the workbench is, and what its pages are given: one `Visit` a request.

A module names its routes; the shell signs the member of staff in, checks the form's token, renders, and writes the
audit trail before an answer leaves. HL7 v3 ActReason names the purposes; https://profiles.ihe.net/ITI/BALP/
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hie.access.caller import Caller
from hie.applications.work import Reader, Work
from hie.audit.events import Entry
from hie.indicators.engine import Collector, Indicators
from hie.ui.forms import Form
from hie.workbench.banner import Banner
from hie.workbench.sessions import Session
from records.stored import Json

Method = Literal["GET", "POST"]


class Answered(Exception):
    """Ends a handler with a response of the shell, e.g. the question for an access reason."""

    def __init__(self, response: Response) -> None:
        super().__init__("answered by the shell")
        self.response = response


@dataclass(frozen=True, slots=True)
class TaskCount:
    """One line of the landing page: what waits for whoever signed in, and where its list is."""

    title: str
    path: str
    open: int
    overdue: int = 0
    today: int = 0


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of a module's own navigation; `path` is absolute."""

    title: str
    path: str


class Shell(Protocol):
    """The part of the workbench that a visit speaks to."""

    def render(self, visit: Visit, template: str, status: int, context: Mapping[str, object]) -> Response: ...

    def problem(self, request: Request, status: int, text: str) -> Response: ...

    async def open_record(self, visit: Visit, patient_id: str, task: Json | None) -> Banner: ...


@dataclass(slots=True)
class Visit:
    """
    One request of a signed-in member of staff.

    `reader` sees what the caller may see; all that is read through it is in the audit trail before the page leaves.
    `form` holds the fields of a POST whose token was checked; `params` come from the path. `caller` carries the
    purpose and reason of the last record that was opened, `banner` whose record that is: pages show it by themselves.
    What is written through `work` is checked against the caller's rights and audited by itself, too.
    """

    request: Request
    caller: Caller
    work: Work
    reader: Reader
    shell: Shell
    indicators: Indicators
    session: Session
    params: Mapping[str, str] = field(default_factory=dict)
    form: Form = field(default_factory=Form)
    module: Module | None = None
    banner: Banner | None = None
    notes: list[Entry] = field(default_factory=list)
    # The caller as he opened each source Patient's record: with the purpose and the reason given for that one.
    opened: dict[str, Caller] = field(default_factory=dict)

    @property
    def query(self) -> QueryParams:
        """The query of the address; never holds a name or number of a person."""
        return self.request.query_params

    def values(self, name: str) -> tuple[str, ...]:
        """Every value of a form field: ticked boxes."""
        return self.form.all(name)

    def as_opened(self, patient_id: str) -> Caller:
        """The caller with the purpose under which this source Patient's record was opened."""
        return self.opened.get(patient_id, self.caller)

    def render(self, template: str, *, status: int = 200, **context: object) -> Response:
        """A page in the shell; the template extends "workbench/page.html"."""
        return self.shell.render(self, template, status, context)

    def redirect(self, path: str) -> Response:
        """After a POST: go on to a page (303). `path` is one of ours."""
        if not path.startswith("/") or path.startswith(("//", "/\\")):
            raise ValueError("a redirect stays on this site")
        return RedirectResponse(path, 303)

    def problem(self, status: int, text: str) -> Response:
        """An error page in the shell; `text` (Chinese source text) says what happened, without health data."""
        return self.shell.problem(self.request, status, text)

    async def open_record(self, patient_id: str, *, task: Json | None = None) -> Banner:
        """
        Open the record of a human by one of its source Patients, and say whose it is.

        `task` is the Task, ServiceRequest or other resource, read through `reader`, that brings the caller here;
        without one that is about this human the caller is asked for purpose and reason, once a person and session:
        this call then does not return (it raises `Answered`). NotFound where the caller may not see the record.
        """
        return await self.shell.open_record(self, patient_id, task)

    def note(
        self,
        interaction: str,
        *,
        resource_type: str = "",
        resource_id: str = "",
        patient: str = "",
        query: str = "",
        status: int = 200,
        reasons: Sequence[str] = (),
    ) -> None:
        """Put something that was done besides reading into the audit trail, before the answer leaves."""
        entry = Entry(
            interaction, self.as_opened(patient), resource_type, resource_id, patient=patient, status=status,
            query=query, reasons=tuple(reasons),
        )  # fmt: skip
        self.notes.append(entry)


Handler = Callable[[Visit], Awaitable[Response]]
Tasks = Callable[[Reader, Work], Awaitable[Sequence[TaskCount]]]


@dataclass(frozen=True, slots=True)
class ModuleRoute:
    """`path` below the module's path ("" for its first page, "/tasks/{id}"), in Starlette's syntax."""

    method: Method
    path: str
    handler: Handler


@dataclass(frozen=True, slots=True)
class Module:
    """
    One of the five modules.

    `tasks` counts what waits, for the landing page. `links` are its own navigation. `collectors` are its indicators
    by id of `hie.indicators`. `templates` is the dotted package with its templates and locale; empty: the package
    `hie.applications.<name>`.
    """

    name: str
    title: str
    path: str
    roles: frozenset[str]
    routes: tuple[ModuleRoute, ...]
    tasks: Tasks | None = None
    links: tuple[Link, ...] = ()
    collectors: Mapping[str, Collector] = field(default_factory=dict)
    templates: str = ""

    @property
    def package(self) -> str:
        """Where its templates and translations are."""
        return self.templates or f"hie.applications.{self.name}"
