"""
FHIR codes of states, visits and interpretations in plain words.

https://hl7.org/fhir/R4/valueset-observation-interpretation.html, https://hl7.org/fhir/R4/v3/ActEncounterCode/vs.html
"""

from __future__ import annotations

from hie.ui import N_

CLASSES = {
    "AMB": N_("门诊"), "IMP": N_("住院"), "ACUTE": N_("住院"), "EMER": N_("急诊"), "HH": N_("家庭"), "VR": N_("远程"),
}  # fmt: skip
STATUSES = {
    "active": N_("进行中"), "completed": N_("已完成"), "finished": N_("已结束"), "in-progress": N_("进行中"),
    "planned": N_("已计划"), "arrived": N_("已到达"), "cancelled": N_("已取消"), "final": N_("正式结果"),
    "preliminary": N_("初步结果"), "amended": N_("已修正"), "corrected": N_("已更正"), "partial": N_("部分结果"),
    "registered": N_("已登记"), "entered-in-error": N_("录入错误"), "booked": N_("已预约"), "draft": N_("草稿"),
    "on-hold": N_("暂停"), "stopped": N_("已停止"), "revoked": N_("已撤销"), "current": N_("有效"),
    "superseded": N_("已被替代"), "unknown": N_("不详"), "not-done": N_("未做"), "noshow": N_("未到"),
    "resolved": N_("已痊愈"), "inactive": N_("不活动"), "proposed": N_("建议"), "pending": N_("等待"),
    "available": N_("可用"), "accepted": N_("已接受"), "rejected": N_("已拒绝"), "requested": N_("已申请"),
}  # fmt: skip
FLAGS = {
    "H": N_("偏高"), "HH": N_("危急偏高"), "HU": N_("偏高"), "L": N_("偏低"), "LL": N_("危急偏低"), "LU": N_("偏低"),
    "A": N_("异常"), "AA": N_("危急异常"), "POS": N_("阳性"), "DET": N_("检出"), "R": N_("耐药"), "I": N_("中介"),
}  # fmt: skip
