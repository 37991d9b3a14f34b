"""
Words that templates give to `ui.tag`, which translates them itself; here they are marked for the catalogue.
"""

from __future__ import annotations

from hie.ui import N_

TAGS = (
    N_("已暂停"), N_("重试中"), N_("正常"), N_("待登记"), N_("未对照"), N_("＋ 加上"), N_("－ 去掉"), N_("改变"),
    N_("会被拒收"), N_("不是有效的 FHIR"),
)  # fmt: skip
