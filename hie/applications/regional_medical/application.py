"""
The referral form read from a page: what is wrong is said by field.

Specification: region-1251 section 4, REG-01.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from hie.applications.regional_medical.attachments import KINDS
from hie.applications.regional_medical.referral import Application
from hie.applications.regional_medical.rules import DIRECTIONS
from hie.ui import N_

PRIORITIES = ("routine", "urgent", "stat")
LONGEST = {"department": 60, "diagnosis": 200, "reason": 1000}
REQUIRED = {
    "receiver": N_("请选择接收机构。"),
    "diagnosis": N_("请填写初步诊断。"),
    "reason": N_("请填写转诊理由。"),
    "agreed": N_("提交前须取得患者知情同意。"),
}
UNKNOWN = N_("请从列出的选项中选择。")
TOO_LONG = N_("文字过长，请缩短。")
MOST_ATTACHMENTS = 60


def read(
    fields: Mapping[str, str], ticked: Sequence[str], receivers: Collection[str], *, submit: bool
) -> tuple[Application, dict[str, str]]:
    """The application and what is wrong with it; a draft may be incomplete, never wrong."""
    text = {name: fields.get(name, "").strip() for name in ("receiver", *LONGEST)}
    found = Application(
        next((one for one in DIRECTIONS if one == fields.get("direction")), "up"),
        next((one for one in PRIORITIES if one == fields.get("priority")), "routine"),
        text["receiver"],
        text["department"],
        text["diagnosis"],
        text["reason"],
        tuple(one for one in dict.fromkeys(ticked) if one.partition("/")[0] in KINDS)[:MOST_ATTACHMENTS],
        "agreed" in fields,
    )
    errors = {name: TOO_LONG for name, most in LONGEST.items() if len(text[name]) > most}
    for name, allowed in (("direction", DIRECTIONS), ("priority", PRIORITIES)):
        if fields.get(name) not in allowed:
            errors[name] = UNKNOWN
    if found.receiver and found.receiver not in receivers:
        errors["receiver"] = UNKNOWN
    if submit:
        errors |= {name: REQUIRED[name] for name in found.missing()}
    return found, errors
