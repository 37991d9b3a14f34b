"""
What has to be known of a sender to understand it: its profile.

IHE calls the sender a source; HL7 names it in MSH-3 (application) and MSH-4 (facility).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

VISIT_BY = ("PV1-19", "PV1-50", "PID-18", "PV1-44")


@dataclass(frozen=True, slots=True)
class Site:
    """
    One sending site.

    `id` is stable and goes into resource ids and meta.source ("site-zbyy"). `authority` is the identifier system
    (URI) given to identifiers that name none. `authorities` maps HD namespace ids (CX-4.1) to URIs.
    `code_maps` maps an HL7 table or local system name to {local code: (system, code, display)}. `snapshot`: each
    message says everything, so what is empty is gone. `visit_by` are the fields that name a visit, the best first.
    """

    id: str
    name: str = ""
    authority: str = ""
    charset: str = "UTF-8"
    zone: str = "Asia/Shanghai"
    authorities: Mapping[str, str] = field(default_factory=dict)
    code_maps: Mapping[str, Mapping[str, tuple[str, str, str]]] = field(default_factory=dict)
    provisional: bool = False
    snapshot: bool = False
    visit_by: tuple[str, ...] = VISIT_BY
    organization: str = ""  # id of the Organization resource in the directory
