"""
The shell around every page of the staff: who is signed in, what the role may open, and the trail before the answer.

The order of one request: session, role, form token, handler, audit, answer.
"""

from __future__ import annotations

import traceback
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from adapters.errors import AdapterError
from hie.access.caller import Caller
from hie.access.policy import Denied
from hie.applications.work import Reader
from hie.audit.events import Entry
from hie.errors import HieError, Refused, fault
from hie.indicators.engine import Indicators
from hie.ui import N_, NavItem, Pages, Shell, forms
from hie.workbench.auditing import Circumstances, shown
from hie.workbench.banner import Banner
from hie.workbench.cookies import Cookie
from hie.workbench.desk import Answered, Handler, Module, Visit
from hie.workbench.identity import Identity
from hie.workbench.roles import READERS
from hie.workbench.services import Services, VisitWork
from hie.workbench.sessions import IDLE, Session
from records.errors import RecordError
from records.stored import Json, Stored, Visibility

HOME = "/workbench"
SIGNED_OUT_POST = N_("您的登录已经过期，刚才填写的内容没有保存。请重新登录后再操作。")
FOREIGN = N_("您的角色不使用这个模块。需要时请联系平台管理员。")
_log = structlog.get_logger("hie.workbench")
Opener = Callable[[Visit, str, Json | None], Awaitable[Banner]]
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Desk:
    """The shell of one process. `opener` opens a record, `origin` is the public origin of the site."""

    services: Services
    pages: Pages
    identity: Identity
    cookie: Cookie
    indicators: Indicators
    modules: Sequence[Module]
    opener: Opener
    origin: str

    def endpoint(self, handler: Handler, module: Module) -> Endpoint:
        """A handler of a module as an endpoint of Starlette."""

        async def endpoint(request: Request) -> Response:
            reference = uuid.uuid4().hex[:8]
            try:
                return await self._answer(request, handler, module)
            except (HieError, RecordError, AdapterError) as error:
                return self._refusal(request, error, reference)
            except forms.Forgery:
                return self.pages.problem(request, 403)
            except Exception as error:
                _log.error("page failed", error=type(error).__name__, reference=reference, where=_where(error))
                return self.pages.problem(request, fault(error).status, reference=reference)

        return endpoint

    async def _answer(self, request: Request, handler: Handler, module: Module) -> Response:
        found = await self.identity.of(self.cookie.read(request))
        if found is None:
            return self._sign_in(request)
        session, caller = found
        request.state.shell = self.shell_for(session, caller)
        if caller.role not in module.roles:
            await self._record(request, [Entry("read", caller, status=403, reasons=("module-of-another-role",))])
            return self.pages.problem(request, 403, text=FOREIGN)
        form = forms.Form()
        if request.method not in ("GET", "HEAD"):
            form = await forms.read(request, session.csrf, origin=self.origin)
        return await self._handled(self._visit(request, session, caller, module, form), handler)

    async def _handled(self, visit: Visit, handler: Handler) -> Response:
        """Call the handler; what it read and did is in the trail before its answer goes, and also where it fails."""
        try:
            response = await handler(visit)
        except Answered as answered:
            response = answered.response
        except Refused as error:
            reasons = (error.reason,) if isinstance(error, Denied) else ()
            visit.note("read", status=error.status, reasons=reasons)
            await self._trail(visit)
            raise
        except Exception:
            await self._trail(visit)
            raise
        await self._trail(visit)
        return response

    async def _trail(self, visit: Visit) -> None:
        await self._record(visit.request, [*shown(visit.reader, visit.as_opened), *visit.notes])

    async def _record(self, request: Request, entries: Sequence[Entry]) -> None:
        address = request.client.host if request.client else ""
        circumstances = Circumstances(request.headers.get("x-request-id", "")[:64] or uuid.uuid4().hex, address)
        await self.services.audit.record(circumstances.of(entries))

    def _visit(
        self, request: Request, session: Session, caller: Caller, module: Module, form: forms.Form
    ) -> Visit:  # fmt: skip
        async def sight(resource_type: str, interaction: str) -> Visibility:
            return await self.services.gate.visibility(visit.caller, resource_type, interaction)

        def note(interaction: str, row: Stored, patient: str) -> None:
            entry = Entry(interaction, visit.as_opened(patient), row.type, row.id, row.version, patient=patient)
            visit.notes.append(entry)

        work = self.services.work
        visit = Visit(
            request=request,
            caller=caller,
            work=VisitWork.of(work, sight, note),
            reader=Reader(work.store, sight, caller.organization),
            shell=self,
            indicators=self.indicators,
            session=session,
            params={name: str(value) for name, value in request.path_params.items()},
            form=form,
            module=module,
        )
        return visit

    # What a visit speaks to

    def render(self, visit: Visit, template: str, status: int, context: Mapping[str, object]) -> Response:
        """A page, with the banner of the record that was opened and the navigation of its module."""
        around = {"banner": visit.banner, "module": visit.module, "caller": visit.caller}
        return self.pages.render(visit.request, template, status=status, **{**around, **context})

    def problem(self, request: Request, status: int, text: str) -> Response:
        """An error page."""
        return self.pages.problem(request, status, text=text)

    async def open_record(self, visit: Visit, patient_id: str, task: Json | None) -> Banner:
        """Open a record, or ask why."""
        return await self.opener(visit, patient_id, task)

    # Around the pages

    def shell_for(self, session: Session, caller: Caller) -> Shell:
        """Navigation and name of whoever signed in."""
        nav = [NavItem(HOME, N_("我的任务"))]
        if caller.role in READERS:
            nav.append(NavItem(f"{HOME}/patients", N_("居民查询")))
        nav += [NavItem(one.path, one.title) for one in self.modules if caller.role in one.roles]
        return replace(
            outside(),
            nav=tuple(nav),
            person=f"{caller.name} · {caller.organization_name}".strip(" ·"),
            sign_out=f"{HOME}/sign-out",
            csrf_secret=session.csrf,
            idle_seconds=int(IDLE.total_seconds()),
            stay=f"{HOME}/stay",
        )

    def _sign_in(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return self.pages.problem(request, 401, text=SIGNED_OUT_POST)
        back = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
        return RedirectResponse(f"{HOME}/sign-in?back={quote(back, safe='/')}", 303, {"Cache-Control": "no-store"})

    def _refusal(self, request: Request, error: Exception, reference: str) -> Response:
        found = fault(error)
        if found.status >= 500:
            _log.warning("page refused", status=found.status, reference=reference, error=type(error).__name__)
        return self.pages.problem(request, found.status, reference=reference)


def _where(error: Exception) -> list[str]:
    """The last frames of a fault; no text and no value of it, for they may be somebody's data."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def outside() -> Shell:
    """Around a page that nobody is signed in on."""
    return Shell(home=HOME, sign_in=f"{HOME}/sign-in", accessibility=f"{HOME}/accessibility")


def shell_of(request: Request) -> Shell:
    """For `Pages`: what the request's endpoint put around the page."""
    found = getattr(request.state, "shell", None)
    return found if isinstance(found, Shell) else outside()
