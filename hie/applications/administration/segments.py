"""
What segments and fields are called, by the grammar of the message's version, and text whose control characters show.

HL7 v2 chapters 2 to 17; https://www.unicode.org/charts/PDF/U2400.pdf
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from functools import cache

from adapters.hl7v2.grammar import nearest
from adapters.hl7v2.grammar.versions import USUAL
from adapters.hl7v2.mapping import load
from hie.ui import N_

SEGMENTS = {
    "MSH": N_("消息头"), "EVN": N_("事件"), "PID": N_("患者"), "PD1": N_("患者附加信息"), "NK1": N_("联系人"),
    "PV1": N_("就诊"), "PV2": N_("就诊附加信息"), "MRG": N_("合并"), "AL1": N_("过敏"), "IAM": N_("过敏（带操作码）"),
    "DG1": N_("诊断"), "PR1": N_("操作"), "IN1": N_("保险"), "GT1": N_("担保人"), "ORC": N_("医嘱共同部分"),
    "OBR": N_("检查检验申请"), "OBX": N_("观察结果"), "NTE": N_("备注"), "SPM": N_("标本"), "TQ1": N_("时间和数量"),
    "RXE": N_("药房编码医嘱"), "RXO": N_("药品医嘱"), "RXD": N_("发药"), "RXA": N_("给药或接种"), "RXR": N_("给药途径"),
    "TXA": N_("文档"), "SCH": N_("预约"), "RGS": N_("预约资源组"), "AIS": N_("预约服务"), "AIP": N_("预约人员"),
    "AIL": N_("预约地点"), "AIG": N_("预约通用资源"), "FT1": N_("费用"), "PRB": N_("问题"), "ZBE": N_("移动记录"),
}  # fmt: skip
# What cannot be seen, or changes how the rest is read.
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u00a0\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")


def visible(text: str) -> str:
    """The text with a sign in place of each character that has none."""
    return _HIDDEN.sub(_sign, text)


def _sign(match: re.Match[str]) -> str:
    code = ord(match[0])
    return chr(0x2400 + code) if code < 0x20 else "\u2421" if code == 0x7F else f"⟨U+{code:04X}⟩"


def segment_name(name: str) -> str:
    """What a segment is, "" where the sender invented it."""
    return SEGMENTS.get(name, "")


def field_name(segment: str, at: int, version: str) -> str:
    """The standard's name of a field in its own language, "" where no version has it."""
    known = load.field_name(f"{segment}-{at}") or _names(nearest(version) or USUAL, segment).get(at, "")
    return known or _names(USUAL, segment).get(at, "")


@cache
def _names(version: str, segment: str) -> Mapping[int, str]:
    """Of the tables that the grammar is compiled from."""
    tables = importlib.import_module(f"hl7apy.v{version.replace('.', '_')}.segments").SEGMENTS
    _kind, *listed = tables.get(segment, ("sequence", ()))
    return {
        int(field[0].rpartition("_")[2]): str(field[1][3]).replace("_", " ").title()
        for field in (listed[0] if listed else ())
        if len(field) == 4 and field[1] and len(field[1]) > 3 and field[1][3]
    }
