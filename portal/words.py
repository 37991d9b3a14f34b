"""Codes in words: every code that a page may show, as Chinese source text."""

from __future__ import annotations

from hie.ui import N_, Tag

CLASSES = {
    "AMB": N_("门诊"), "EMER": N_("急诊"), "IMP": N_("住院"), "ACUTE": N_("住院"), "NONAC": N_("住院"),
    "OBSENC": N_("留院观察"), "HH": N_("上门服务"), "VR": N_("网上就诊"), "PRENC": N_("入院前"), "SS": N_("日间"),
    "FLD": N_("外出服务"),
}  # fmt: skip
MARKS = {
    "": Tag(N_("没有参考范围")), "normal": Tag(N_("正常"), "good"), "high": Tag(N_("↑ 偏高"), "bad"),
    "low": Tag(N_("↓ 偏低"), "warn"), "abnormal": Tag(N_("！异常"), "bad"),
}  # fmt: skip
INTERPRETATIONS = {
    "N": "normal", "H": "high", "HH": "high", "HU": "high", "L": "low", "LL": "low", "LU": "low",
    "A": "abnormal", "AA": "abnormal", "POS": "abnormal", "NEG": "normal", "DET": "abnormal", "ND": "normal",
}  # fmt: skip
SEXES = {"male": N_("男"), "female": N_("女"), "other": N_("其他"), "unknown": N_("未说明")}
SEVERITIES = {"mild": N_("轻度"), "moderate": N_("中度"), "severe": N_("重度")}
CATEGORIES = {"food": N_("食物"), "medication": N_("药物"), "environment": N_("环境"), "biologic": N_("生物制品")}
CLINICAL = {
    "active": Tag(N_("现有"), "info"), "recurrence": Tag(N_("复发"), "warn"), "relapse": Tag(N_("复发"), "warn"),
    "inactive": Tag(N_("已不活动")), "remission": Tag(N_("缓解"), "good"), "resolved": Tag(N_("已痊愈"), "good"),
}  # fmt: skip
REPORTS = {
    "registered": N_("已登记"), "partial": N_("部分结果"), "preliminary": N_("初步结果"), "amended": N_("已更正"),
    "corrected": N_("已更正"), "appended": N_("有补充"), "cancelled": N_("已取消"),
}  # fmt: skip
PRESCRIPTIONS = {
    "on-hold": N_("暂停"), "cancelled": N_("已取消"), "completed": N_("已用完"),
    "stopped": N_("已停用"), "draft": N_("未完成"), "unknown": N_("状态不明"),
}  # fmt: skip
# Who looks, why, and what was opened.
ROLES = {
    "clinician": N_("临床医护人员"), "pharmacist": N_("药师"), "public-health": N_("公共卫生人员"),
    "administrator": N_("平台管理员"), "resident": N_("居民本人"), "system": N_("系统"),
}  # fmt: skip
PURPOSES = {
    "TREAT": N_("为您看病"), "ETREAT": N_("紧急救治"), "BTG": N_("紧急情况下破例查看"), "PUBHLTH": N_("公共卫生工作"),
    "HOPERAT": N_("医疗管理工作"), "HPAYMT": N_("费用结算"), "PATRQT": N_("本人查看"),
}  # fmt: skip
OPENED = {
    "Patient": N_("基本信息"), "Person": N_("基本信息"), "Encounter": N_("就诊记录"), "Condition": N_("诊断"),
    "DiagnosticReport": N_("检查检验报告"), "Observation": N_("化验与测量结果"), "MedicationRequest": N_("处方"),
    "MedicationDispense": N_("取药记录"), "MedicationAdministration": N_("用药记录"), "Medication": N_("药品"),
    "MedicationStatement": N_("用药记录"), "AllergyIntolerance": N_("过敏"), "Immunization": N_("预防接种"),
    "DocumentReference": N_("病历文书"), "Composition": N_("病历文书"), "Binary": N_("病历文书"),
    "Procedure": N_("手术与操作"), "ServiceRequest": N_("申请与转诊"), "CarePlan": N_("管理计划"),
    "QuestionnaireResponse": N_("随访与问卷"), "Consent": N_("授权"), "Appointment": N_("预约"),
    "ImagingStudy": N_("影像"), "AuditEvent": N_("查看记录"), "EpisodeOfCare": N_("健康管理"), "Task": N_("任务"),
    "RelatedPerson": N_("联系人"), "Coverage": N_("参保信息"), "Provenance": N_("来源记录"), "Specimen": N_("标本"),
    "FamilyMemberHistory": N_("家族史"), "Flag": N_("提示"), "Goal": N_("健康目标"), "List": N_("清单"),
}  # fmt: skip
OTHER = N_("其他内容")
ACTIONS = {"C": N_("新增"), "R": N_("查看"), "U": N_("修改"), "D": N_("删除"), "E": N_("查看")}
TRANSFER = N_("传送一批记录")
