"""
药品配备使用监管 as a module of the workbench.
"""

from __future__ import annotations

from hie.applications.drug_supervision.indicators import collectors
from hie.applications.drug_supervision.pages import Pages
from hie.applications.drug_supervision.tasks import BASE, Office
from hie.applications.fhir import ZONE
from hie.exchange.ids import Clock, now
from hie.ui import N_
from hie.workbench.desk import Link, Module, ModuleRoute
from terminology.service import Terminology, terminology


def module(clock: Clock = now, words: Terminology | None = None) -> Module:
    """The module as the workbench mounts it."""
    office = Office()
    pages = Pages(office)
    return Module(
        name="drug_supervision",
        title=N_("药品监管"),
        path=BASE,
        roles=frozenset({"pharmacist"}),
        routes=(
            ModuleRoute("GET", "", pages.overview),
            ModuleRoute("GET", "/facility", pages.facility),
            ModuleRoute("GET", "/rows", pages.rows),
            ModuleRoute("GET", "/rules", pages.rules),
        ),
        tasks=office.tasks,
        links=(
            Link(N_("月度监管"), BASE),
            Link(N_("记录明细"), f"{BASE}/rows"),
            Link(N_("规则与来源"), f"{BASE}/rules"),
        ),
        collectors=collectors(words or terminology(), lambda: clock().astimezone(ZONE).date()),
    )
