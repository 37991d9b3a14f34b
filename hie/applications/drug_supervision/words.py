"""
The codes of drug supervision in words; pages translate them.

Specification: region-1251 section 5, MED-02 and MED-04.
"""

from __future__ import annotations

from hie.applications.drug_supervision.rules import Problem
from hie.ui import N_

# What keeps a row out of a figure, and what helps.
PROBLEMS: dict[Problem, tuple[str, str]] = {
    "unmapped-drug": (N_("药品未对照"), N_("发来的药品编码不在区域目录中。请机构对照目录，或在目录中补充。")),
    "unknown-essential": (N_("是否基本药物不明"), N_("药品已识别，但目录没有基本药物标记。")),
    "missing-ddd": (N_("缺少 DDD 值"), N_("所用版本的 ATC/DDD 索引没有这个药品和给药途径的限定日剂量。")),
    "unknown-route": (N_("给药途径不明"), N_("口服与注射的限定日剂量不同，发药记录没有写明途径。")),
    "missing-strength": (N_("缺少规格"), N_("数量以片、支等计，但不知道每片、每支的含量。")),
    "missing-quantity": (N_("缺少数量"), N_("发药记录没有数量。")),
    "unit-mismatch": (N_("单位无法换算"), N_("数量单位（例如盒、毫升）不能换算成限定日剂量的单位。")),
    "unit-error": (N_("疑似单位错误"), N_("一次发药超过上限的 DDD 数，多为单位错误。")),
    "unknown-setting": (N_("就诊类别不明"), N_("抗菌药物没有关联就诊，或就诊类别不明，无法判断是否住院用药。")),
    "missing-price": (N_("没有价格"), N_("没有收费记录，不计入金额占比。")),
    "missing-admission": (N_("缺少入院时间"), N_("住院记录没有入院时间，不计入床日。")),
    "never-ended": (N_("住院长期未结束"), N_("住院超过上限天数仍没有出院记录，不计入床日。")),
}
KINDS = {
    "dispensings": N_("全部发药"),
    "essential": N_("基本药物发药"),
    "antibacterials": N_("住院抗菌药物发药（分子）"),
    "stays": N_("住院床日（分母）"),
    "problems": N_("未能计入的发药"),
}
SETTINGS = {"inpatient": N_("住院"), "outpatient": N_("门急诊"), "": N_("不明")}
OF_STAYS: tuple[Problem, ...] = ("missing-admission", "never-ended")
