"""
公共卫生 as a module of the workbench.
"""

from __future__ import annotations

from hie.applications.public_health import editing, pages
from hie.applications.public_health.indicators import collectors
from hie.applications.public_health.tasks import BASE, tasks
from hie.exchange.ids import Clock, now
from hie.ui import N_
from hie.workbench.desk import Link, Module, ModuleRoute


def module(clock: Clock = now) -> Module:
    """The module as the workbench mounts it."""
    return Module(
        name="public_health",
        title=N_("公共卫生"),
        path=BASE,
        roles=frozenset({"public-health"}),
        routes=(
            ModuleRoute("GET", "", pages.worklist),
            ModuleRoute("GET", "/cards/{task}", pages.card),
            ModuleRoute("GET", "/cards/{task}/edit", editing.form),
            ModuleRoute("POST", "/cards/{task}/edit", editing.submit),
            ModuleRoute("POST", "/cards/{task}/decision", editing.decide),
            ModuleRoute("GET", "/counts", pages.counts),
            ModuleRoute("GET", "/indicators/report-timeliness", pages.indicator),
            ModuleRoute("GET", "/rules", pages.rules),
        ),
        tasks=tasks,
        links=(
            Link(N_("传染病报告卡"), BASE),
            Link(N_("病种与区县"), f"{BASE}/counts"),
            Link(N_("报告及时率"), f"{BASE}/indicators/report-timeliness"),
            Link(N_("规则与来源"), f"{BASE}/rules"),
        ),
        collectors=collectors(clock),
    )
