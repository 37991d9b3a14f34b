"""
Why the rules did not decide, which fields were compared, and how well they agree: words for the steward.

The codes are those of `hie.identity.matching`.
"""

from __future__ import annotations

from hie.ui import N_

REASONS = {
    "two-valid-ids": N_("两个有效的身份证号不同，但姓名和出生日期相同"),
    "shared-card": N_("身份证号相同，但姓名和出生日期都不同：可能借用证件"),
    "same-id-guard-failed": N_("身份证号相同，其他信息不足以确认"),
    "guard-failed": N_("相似度高，但没有满足任何自动合并的条件"),
    "weight": N_("有些相似，不足以判断"),
    "identifier-reuse": N_("同一个编号现在写着另一个人的信息：可能重复使用编号"),
    "source-merge": N_("来源机构合并了两份档案，平台里它们不属于同一个人"),
    "set-apart": N_("以前判为不同的人"),
    "id-and-name": N_("身份证号和姓名相同"),
    "name-and-birth": N_("姓名和出生日期相同"),
    "card-and-name": N_("卡号和姓名相同"),
    "name-birth-id-typo": N_("姓名和出生日期相近，身份证号差一位"),
    "name-near-birth-contact": N_("姓名和联系方式相同，出生日期相近"),
    "name-contact-gender": N_("姓名、联系方式和性别相同，没有出生日期"),
    "newborn": N_("新生儿"),
    "unidentified": N_("身份不明"),
}
FIELDS = {
    "name": N_("姓名"), "birth": N_("出生日期"), "id": N_("身份证号"), "contact": N_("电话与住址"),
    "gender": N_("性别"), "card": N_("卡号"),
}  # fmt: skip
LEVELS = {
    "same": N_("相同"), "homophone": N_("同音"), "one-character": N_("差一个字"), "other": N_("不同"),
    "surname-character": N_("姓氏差一个字"), "default": N_("一方只有年份"), "near": N_("相近"), "typo": N_("差一位"),
    "phone": N_("电话相同"), "address": N_("住址相同"), "both": N_("电话和住址都相同"),
}  # fmt: skip
