"""
The codes of the follow-up form in words; pages translate them.

Specification: region-1251 section 3, PHC-03.
"""

from __future__ import annotations

from collections.abc import Mapping

from hie.applications.primary_care.form import ADHERENCE, METHODS, QUALITY, SALT, SYMPTOMS
from hie.ui import N_, Option

CLASSES = {
    "1": N_("控制满意"),
    "2": N_("控制不满意"),
    "3": N_("不良反应"),
    "4": N_("并发症"),
}
TONES = {"1": "good", "2": "warn", "3": "warn", "4": "bad"}
METHOD = dict(zip(METHODS, (N_("门诊随访"), N_("家庭随访"), N_("电话随访")), strict=True))
SYMPTOM = dict(
    zip(
        SYMPTOMS,
        (
            N_("头痛头晕"), N_("恶心"), N_("眼花耳鸣"), N_("气短"), N_("心悸胸闷"), N_("鼻衄出血不止"), N_("四肢发麻"),
            N_("下肢水肿"), N_("其他"),
        ),
        strict=True,
    )
)  # fmt: skip
DANGER = {
    "consciousness": N_("意识改变"),
    "severe-headache": N_("剧烈头痛或头晕"),
    "vomiting": N_("恶心呕吐"),
    "blurred-vision": N_("视力模糊"),
    "chest-pain": N_("胸痛"),
    "dyspnoea": N_("呼吸困难"),
    "pregnancy": N_("妊娠或哺乳期血压升高"),
}
SALT_WORDS = dict(zip(SALT, (N_("清淡"), N_("适中"), N_("偏咸")), strict=True))
QUALITY_WORDS = dict(zip(QUALITY, (N_("良好"), N_("一般"), N_("差")), strict=True))
ADHERENCE_WORDS = dict(zip(ADHERENCE, (N_("规律"), N_("间断"), N_("不服药")), strict=True))
YES_NO = {"no": N_("无"), "yes": N_("有")}
REASONS = {
    "danger": N_("血压或症状危急，应立即转上级医院，两周内随访转诊情况"),
    "repeated": N_("连续两次控制不满意或药物不良反应，建议转诊"),
    "complication": N_("出现新的并发症或原有并发症加重，建议转诊"),
}
FILTER_NAMES = {
    "all": N_("全部待随访"),
    "overdue": N_("已逾期"),
    "week": N_("七日内到期"),
    "uncontrolled": N_("控制不满意"),
    "refer": N_("建议转诊"),
}
SCOPES = {"own": N_("本机构"), "all": N_("全区域")}
SCOPE_ONE = N_("选定的机构")
FIELDS = {
    "day": N_("随访日期"),
    "method": N_("随访方式"),
    "systolic": N_("收缩压"),
    "diastolic": N_("舒张压"),
    "symptoms": N_("症状"),
    "heart_rate": N_("心率"),
    "weight": N_("体重"),
    "height": N_("身高"),
    "smoking": N_("日吸烟量（支）"),
    "alcohol": N_("日饮酒量（两）"),
    "exercise_times": N_("每周运动次数"),
    "exercise_minutes": N_("每次运动分钟"),
    "salt": N_("摄盐情况"),
    "mind": N_("心理调整"),
    "compliance": N_("遵医行为"),
    "tests": N_("辅助检查"),
    "adherence": N_("服药依从性"),
    "adverse_reaction": N_("药物不良反应"),
    "adverse_text": N_("不良反应说明"),
    "complication": N_("新发或加重的并发症"),
    "advice": N_("指导与建议"),
}
ENDED = N_("已停止随访")


def options(words: Mapping[str, str]) -> tuple[Option, ...]:
    """Codes and their words as choices of a form."""
    return tuple(Option(code, text) for code, text in words.items())
