"""
The codes of a referral in words; pages translate them.

Specification: region-1251 section 4, REG-01.
"""

from __future__ import annotations

from hie.applications.regional_medical.rules import Action, Direction, State
from hie.ui import N_

STATES: dict[State, str] = {
    "draft": N_("草稿"), "submitted": N_("待答复"), "accepted": N_("已接收"), "returned": N_("已退回"),
    "refused": N_("已拒绝"), "arrived": N_("已到院"), "in-care": N_("诊疗中"), "down-proposed": N_("待接回"),
    "closed": N_("已结束"), "cancelled": N_("已撤销"), "expired": N_("已过期"),
}  # fmt: skip
TONES: dict[State, str] = {
    "draft": "", "submitted": "info", "accepted": "info", "returned": "warn", "refused": "bad", "arrived": "info",
    "in-care": "info", "down-proposed": "warn", "closed": "good", "cancelled": "", "expired": "bad",
}  # fmt: skip
DIRECTIONS: dict[Direction, str] = {"up": N_("上转"), "down": N_("下转"), "level": N_("平转")}
PRIORITIES = {"routine": N_("常规"), "urgent": N_("紧急"), "asap": N_("紧急"), "stat": N_("立即")}
# What a button says, and what the history says afterwards.
ACTIONS: dict[Action, str] = {
    "submit": N_("提交申请"), "accept": N_("接收"), "return": N_("退回补充"), "refuse": N_("拒绝"),
    "arrive": N_("登记到院"), "admit": N_("开始诊疗"), "propose-down": N_("出院并下转"), "close": N_("接回并结束"),
    "finish": N_("结束转诊"), "cancel": N_("撤销申请"), "expire": N_("逾期未到院"),
}  # fmt: skip
DONE = {
    "draft": N_("起草"), "propose": N_("随访建议转诊"), "submit": N_("提交申请"), "accept": N_("接收"),
    "return": N_("退回补充"), "refuse": N_("拒绝"), "arrive": N_("患者到院"), "admit": N_("开始诊疗"),
    "propose-down": N_("出院，建议下转"), "close": N_("接回患者，转诊结束"), "finish": N_("转诊结束"),
    "cancel": N_("撤销申请"), "expire": N_("逾期未到院，自动过期"),
}  # fmt: skip
# What the text of a step is; a step without an entry takes none.
TEXTS: dict[str, str] = {
    "accept": N_("接诊安排（时间、地点、床位）"), "return": N_("需要补充什么"), "refuse": N_("拒绝理由"),
    "propose-down": N_("出院小结与随访建议"), "close": N_("接回后的随访情况"), "finish": N_("结束说明"),
    "cancel": N_("撤销理由"),
}  # fmt: skip
LIMITS: dict[str, str] = {
    "submitted": N_("应在此前答复"), "accepted": N_("应在此前到院"), "down-proposed": N_("应在此前完成出院后随访"),
}  # fmt: skip
BOXES = {"inbox": N_("收到的转诊"), "outbox": N_("发出的转诊")}
FILTERS = {
    "inbox": {
        "overdue": N_("已超时"), "waiting": N_("待答复"), "coming": N_("待到院"), "here": N_("在院诊疗"),
        "back": N_("已建议下转"), "done": N_("已办结"),
    },
    "outbox": {
        "overdue": N_("已超时"), "drafts": N_("草稿与退回"), "waiting": N_("等待答复"), "under-way": N_("对方办理中"),
        "back": N_("待接回"), "done": N_("已办结"), "proposals": N_("未认领的建议"),
    },
}  # fmt: skip
FIELDS = {
    "direction": N_("转诊方向"), "receiver": N_("接收机构"), "department": N_("科室"), "diagnosis": N_("初步诊断"),
    "reason": N_("转诊理由"), "priority": N_("紧急程度"), "attachments": N_("随附病历摘要"),
    "agreed": N_("患者知情同意"),
}  # fmt: skip
FLAGS = {"withdrawn": N_("答复前已撤销")}
