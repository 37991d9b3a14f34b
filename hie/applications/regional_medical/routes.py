"""
Referral in the workbench: two boxes, the application, the referral with its history and open steps, figures, rules.

Specification: region-1251 section 4, REG-01; portal-ui section 7.
"""

from __future__ import annotations

from hie.applications.regional_medical import applying, pages, stepping
from hie.applications.regional_medical.figures import COLLECTORS
from hie.applications.regional_medical.tasks import BASE, tasks
from hie.ui import N_
from hie.workbench.desk import Link, Module, ModuleRoute


def module() -> Module:
    """The module as the workbench mounts it."""
    return Module(
        name="regional_medical",
        title=N_("区域医疗"),
        path=BASE,
        roles=frozenset({"clinician"}),
        routes=(
            ModuleRoute("GET", "", pages.first),
            ModuleRoute("GET", "/inbox", pages.inbox),
            ModuleRoute("GET", "/outbox", pages.outbox),
            ModuleRoute("GET", "/new", applying.new),
            ModuleRoute("POST", "/new", applying.begin),
            ModuleRoute("GET", "/referrals/{referral}", stepping.show),
            ModuleRoute("GET", "/referrals/{referral}/edit", applying.edit),
            ModuleRoute("POST", "/referrals/{referral}/edit", applying.revise),
            ModuleRoute("POST", "/referrals/{referral}/{action}", stepping.take),
            ModuleRoute("GET", "/indicators/{indicator}", pages.indicator),
            ModuleRoute("GET", "/rules", pages.rules),
        ),
        tasks=tasks,
        links=(
            Link(N_("收到的转诊"), f"{BASE}/inbox"),
            Link(N_("发出的转诊"), f"{BASE}/outbox"),
            Link(N_("新建转诊"), f"{BASE}/new"),
            Link(N_("及时答复率"), f"{BASE}/indicators/referral-answered-in-time"),
            Link(N_("下转率"), f"{BASE}/indicators/referral-returned-down"),
            Link(N_("规则与来源"), f"{BASE}/rules"),
        ),
        collectors=COLLECTORS,
    )
