"""The words of the error pages: what happened and what to do next, by HTTP status."""

from __future__ import annotations

from dataclasses import dataclass

from hie.ui.i18n import N_


@dataclass(frozen=True, slots=True)
class Problem:
    """One error page."""

    status: int
    title: str
    next: str


PROBLEMS = {
    one.status: one
    for one in (
        Problem(400, N_("请求看不懂"), N_("地址或表单不完整。请返回上一页，重新操作。")),
        Problem(401, N_("需要登录"), N_("您还没有登录，或者登录已经过期。请重新登录。")),
        Problem(403, N_("不允许这项操作"), N_("您的账户没有这项权限，或者页面已经过期。请返回首页，重新操作。")),
        Problem(404, N_("没有找到这个页面"), N_("地址可能有误，或者内容已经不在了。请返回首页，从那里查找。")),
        Problem(405, N_("不能这样打开这个页面"), N_("请返回首页，从那里进入。")),
        Problem(409, N_("内容刚刚被改动过"), N_("别人刚刚改动了同一内容。请返回查看最新内容，再重新操作。")),
        Problem(413, N_("内容太大"), N_("请减少内容后再提交。")),
        Problem(422, N_("填写的内容有误"), N_("请返回上一页，按提示改正后再提交。")),
        Problem(429, N_("操作太频繁"), N_("请等一分钟再试。")),
        Problem(500, N_("系统出了故障"), N_("这不是您的错。请稍后再试；如果一直这样，请把下面的编号告诉服务台。")),
        Problem(503, N_("服务暂时不可用"), N_("数据都在，只是暂时取不到。请过几分钟再试。")),
    )
}


def known(status: int) -> Problem:
    """The words of a status; a status without words speaks as its class does."""
    return PROBLEMS.get(status) or PROBLEMS[503 if status in (502, 504) else 500 if status >= 500 else 400]
