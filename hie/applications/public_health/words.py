"""
The codes of the report cards in words; pages translate them.

Specification: region-1251 section 6, PUB-01 to PUB-04.
"""

from __future__ import annotations

from hie.ui import N_

FILTERS = {
    "overdue": N_("已超时"),
    "soon": N_("2 小时内到期"),
    "draft": N_("待审"),
    "returned": N_("退回订正"),
    "reported": N_("已上报"),
    "dismissed": N_("已排除"),
    "all": N_("全部"),
}
FILTER_TONES = {"overdue": "bad", "soon": "warn", "draft": "info", "returned": "warn"}
STATE_TONES = {"draft": "info", "returned": "warn", "reported": "good", "dismissed": ""}
STEPS = {
    "drafted": N_("自动生成报告卡"),
    "joined": N_("并入同一病例的诊断或检验"),
    "withdrawn": N_("来源诊断或检验已撤回"),
    "saved": N_("保存修改"),
    "reported": N_("审核上报"),
    "returned": N_("退回订正"),
    "dismissed": N_("排除"),
    "reopened": N_("重新处理"),
}
ACTIONS = {
    "report": N_("审核上报"),
    "return": N_("退回订正"),
    "dismiss": N_("排除"),
    "reopen": N_("重新处理"),
}
ACTION_HINTS = {
    "return": N_("写明需要订正的内容。"),
    "dismiss": N_("写明排除依据，例如实验室结果阴性、误诊。卡片保留，不删除。"),
    "reopen": N_("写明为什么重新处理。"),
}
BASES = {"code": N_("诊断编码"), "text": N_("诊断文字"), "laboratory": N_("检验结果")}
CHANGED = N_("您填写期间，这张报告卡被其他人或新的诊断更改。请核对后再次提交，填写的内容已保留。")
LOST = N_("这张报告卡刚刚被其他人处理，您的操作没有保存。请返回查看最新状态。")
NO_LONGER = N_("这张报告卡已经处理，填写的内容没有保存。请返回查看最新状态。")
REASON_MISSING = N_("请填写理由。")
TOTAL = N_("报告卡")
WAITING = N_("未上报")
