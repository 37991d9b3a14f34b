"""
综合管理 as a module of the workbench.
"""

from __future__ import annotations

from hie.applications.administration.access_review import AccessReview
from hie.applications.administration.codes import CodeQueue
from hie.applications.administration.collectors import Traffic
from hie.applications.administration.dead import DeadLetterDesk
from hie.applications.administration.figures import Figures
from hie.applications.administration.matches import MatchDesk
from hie.applications.administration.message import MessagePages
from hie.applications.administration.monitor import BASE, Monitor
from hie.applications.administration.senders import SenderDesk
from hie.applications.administration.services import Services
from hie.applications.administration.tasks import Tasks
from hie.ui import N_
from hie.workbench.desk import Link, Module, ModuleRoute


def module(services: Services) -> Module:
    """The module, for the composition root."""
    monitor, messages, dead = Monitor(services), MessagePages(services), DeadLetterDesk(services)
    senders, codes, matches = SenderDesk(services), CodeQueue(services), MatchDesk(services)
    accesses, figures = AccessReview(services), Figures(services)
    return Module(
        name="administration",
        title=N_("综合管理"),
        path=BASE,
        roles=frozenset({"administrator"}),
        routes=(
            ModuleRoute("GET", "", monitor.figures),
            ModuleRoute("GET", "/messages", monitor.messages),
            ModuleRoute("GET", "/messages/{message}", messages.show),
            ModuleRoute("GET", "/messages/{message}/content", messages.content),
            ModuleRoute("POST", "/messages/{message}/replay", dead.replay_one),
            ModuleRoute("GET", "/dead-letters", dead.show),
            ModuleRoute("POST", "/dead-letters", dead.replay),
            ModuleRoute("GET", "/senders", senders.show),
            ModuleRoute("GET", "/senders/{site}", senders.form),
            ModuleRoute("POST", "/senders/{site}", senders.register),
            ModuleRoute("GET", "/codes", codes.show),
            ModuleRoute("GET", "/matches", matches.show),
            ModuleRoute("GET", "/matches/{review}", matches.one),
            ModuleRoute("POST", "/matches/{review}", matches.decide),
            ModuleRoute("POST", "/matches/{review}/apart", matches.take_apart),
            ModuleRoute("GET", "/accesses", accesses.show),
            ModuleRoute("POST", "/accesses/{event}", accesses.review),
            ModuleRoute("GET", "/indicators", figures.catalogue),
            ModuleRoute("GET", "/indicators/{indicator}", figures.one),
            ModuleRoute("POST", "/indicators/{indicator}", figures.close),
        ),
        tasks=Tasks(services, accesses).count,
        links=(
            Link(N_("消息监控"), BASE),
            Link(N_("消息"), f"{BASE}/messages"),
            Link(N_("死信"), f"{BASE}/dead-letters"),
            Link(N_("发送方登记"), f"{BASE}/senders"),
            Link(N_("未对照"), f"{BASE}/codes"),
            Link(N_("身份匹配"), f"{BASE}/matches"),
            Link(N_("访问复核"), f"{BASE}/accesses"),
            Link(N_("指标"), f"{BASE}/indicators"),
        ),
        collectors=Traffic(services.journal).collectors(),
    )
