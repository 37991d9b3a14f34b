"""
Primary care in the workbench: worklist, a person's follow-ups, the form and its result, figures, rules.

Specification: region-1251 section 3, PHC-03; portal-ui section 7.
"""

from __future__ import annotations

from hie.applications.primary_care import pages, recording
from hie.applications.primary_care.figures import COLLECTORS
from hie.applications.primary_care.tasks import BASE, tasks
from hie.ui import N_
from hie.workbench.desk import Link, Module, ModuleRoute


def module() -> Module:
    """The module as the workbench mounts it."""
    return Module(
        name="primary_care",
        title=N_("基层卫生"),
        path=BASE,
        roles=frozenset({"clinician"}),
        routes=(
            ModuleRoute("GET", "", pages.worklist),
            ModuleRoute("GET", "/people/{patient}", pages.person),
            ModuleRoute("GET", "/follow-ups/{task}", recording.form),
            ModuleRoute("POST", "/follow-ups/{task}", recording.record),
            ModuleRoute("GET", "/follow-ups/{task}/result", recording.result),
            ModuleRoute("GET", "/indicators/{indicator}", pages.indicator),
            ModuleRoute("GET", "/rules", pages.rules),
        ),
        tasks=tasks,
        links=(
            Link(N_("随访工作列表"), BASE),
            Link(N_("控制率"), f"{BASE}/indicators/hypertension-control"),
            Link(N_("按期随访率"), f"{BASE}/indicators/hypertension-on-time"),
            Link(N_("规则与来源"), f"{BASE}/rules"),
        ),
        collectors=COLLECTORS,
    )
