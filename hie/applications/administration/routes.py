"""
综合管理 as a module of the workbench.
"""

from __future__ import annotations

from hie.applications.administration.access_review import AccessReview
from hie.applications.administration.codes import CodeQueue
from hie.applications.administration.collectors import Traffic
from hie.applications.administration.correcting import Corrections
from hie.applications.administration.correction_pages import CorrectionDesk
from hie.applications.administration.dead import DeadLetterDesk
from hie.applications.administration.feeds import FeedDesk
from hie.applications.administration.figures import Figures
from hie.applications.administration.kept import Kept
from hie.applications.administration.matches import MatchDesk
from hie.applications.administration.message import MessagePages
from hie.applications.administration.messages import MessageList
from hie.applications.administration.monitor import BASE, Monitor
from hie.applications.administration.replaying import ReplayDesk
from hie.applications.administration.senders import SenderDesk
from hie.applications.administration.services import Services
from hie.applications.administration.sites import SiteDesk
from hie.applications.administration.tasks import Tasks
from hie.ui import N_
from hie.workbench.desk import Link, Module, ModuleRoute


def module(services: Services) -> Module:
    """The module, for the composition root."""
    kept = Kept(services.client, services.settings.database_prefix, clock=services.clock)
    corrections = Corrections(services)
    monitor, listed, dead = Monitor(services), MessageList(services, kept), DeadLetterDesk(services)
    messages, replay = MessagePages(services, kept, corrections), ReplayDesk(services, kept)
    correcting, feeds = CorrectionDesk(services, kept, corrections), FeedDesk(services)
    sites, senders, codes = SiteDesk(services, kept), SenderDesk(services), CodeQueue(services, kept)
    matches, accesses, figures = MatchDesk(services), AccessReview(services), Figures(services)
    return Module(
        name="administration",
        title=N_("综合管理"),
        path=BASE,
        roles=frozenset({"administrator"}),
        routes=(
            ModuleRoute("GET", "", monitor.figures),
            ModuleRoute("GET", "/messages", listed.show),
            ModuleRoute("POST", "/messages", listed.ask),
            ModuleRoute("GET", "/messages/found/{search}", listed.found),
            ModuleRoute("GET", "/messages/{message}", messages.show),
            ModuleRoute("GET", "/messages/{message}/content", messages.content),
            ModuleRoute("POST", "/messages/{message}/reason", messages.reason),
            ModuleRoute("GET", "/messages/{message}/correct", correcting.form),
            ModuleRoute("POST", "/messages/{message}/correct", correcting.act),
            ModuleRoute("POST", "/messages/{message}/replay", dead.replay_one),
            ModuleRoute("GET", "/dead-letters", dead.show),
            ModuleRoute("POST", "/dead-letters", dead.replay),
            ModuleRoute("GET", "/replay", replay.form),
            ModuleRoute("POST", "/replay", replay.preview),
            ModuleRoute("POST", "/replay/{replay}", replay.act),
            ModuleRoute("GET", "/feeds", feeds.show),
            ModuleRoute("GET", "/feeds/{feed}", feeds.one),
            ModuleRoute("POST", "/feeds/{feed}/hold", feeds.hold),
            ModuleRoute("POST", "/feeds/{feed}/replay", feeds.replay),
            ModuleRoute("GET", "/sites", sites.show),
            ModuleRoute("GET", "/sites/{site}", sites.one),
            ModuleRoute("GET", "/sites/{site}/difference", sites.difference),
            ModuleRoute("GET", "/sites/{site}/profile", sites.form),
            ModuleRoute("POST", "/sites/{site}/profile", sites.act),
            ModuleRoute("POST", "/sites/{site}/back", sites.back),
            ModuleRoute("POST", "/sites/{site}/hold", sites.hold),
            ModuleRoute("GET", "/senders", senders.show),
            ModuleRoute("GET", "/senders/{site}", senders.form),
            ModuleRoute("POST", "/senders/{site}", senders.register),
            ModuleRoute("GET", "/codes", codes.show),
            ModuleRoute("GET", "/codes/export.csv", codes.export),
            ModuleRoute("GET", "/codes/import", codes.form),
            ModuleRoute("POST", "/codes/import", codes.bring),
            ModuleRoute("GET", "/codes/resolved/{resolved}", codes.resolved),
            ModuleRoute("POST", "/codes/resolved/{resolved}", codes.replay),
            ModuleRoute("GET", "/codes/{code}", codes.one),
            ModuleRoute("POST", "/codes/{code}", codes.map),
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
            Link(N_("批量重放"), f"{BASE}/replay"),
            Link(N_("下游推送"), f"{BASE}/feeds"),
            Link(N_("发送方登记"), f"{BASE}/senders"),
            Link(N_("站点档案"), f"{BASE}/sites"),
            Link(N_("未对照"), f"{BASE}/codes"),
            Link(N_("身份匹配"), f"{BASE}/matches"),
            Link(N_("访问复核"), f"{BASE}/accesses"),
            Link(N_("指标"), f"{BASE}/indicators"),
        ),
        collectors=Traffic(services.journal).collectors(),
    )
