"""The words of the sign-in pages, in both languages."""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, Mapping[str, str]] = {
    "zh-CN": {
        "title": "登录",
        "region": "淄博市全民健康信息平台",
        "demo": "演示系统：这里的人员和数据都是虚构的。",
        "portal": "登录居民健康门户",
        "workbench": "登录工作台",
        "choose": "选择一个演示账号",
        "or": "或者输入账号和密码",
        "account": "账号",
        "password": "密码",
        "hint": "演示账号的密码与账号相同",
        "submit": "登录",
        "wrong": "账号或密码不正确，请重新输入。",
        "wrong_title": "登录未成功",
        "switch": "English",
        "sign_in_as": "登录为",
        "signed_out": "您已退出登录",
        "signed_out_text": "可以关闭此页面。",
        "expired_code": "登录页面已过期",
        "expired_code_text": "请回到原来的网站，重新点击登录。",
        "refused": "无法登录",
        "refused_text": "登录请求不完整或未登记。请回到原来的网站，重新点击登录。",
    },
    "en": {
        "title": "Sign in",
        "region": "Zibo regional health information exchange",
        "demo": "Demonstration: every person and every record here is made up.",
        "portal": "Sign in to the residents' portal",
        "workbench": "Sign in to the workbench",
        "choose": "Choose a demo account",
        "or": "Or type account and password",
        "account": "Account",
        "password": "Password",
        "hint": "The password of a demo account is its name",
        "submit": "Sign in",
        "wrong": "Account or password is not right. Please try again.",
        "wrong_title": "Not signed in",
        "switch": "中文",
        "sign_in_as": "Sign in as",
        "signed_out": "You are signed out",
        "signed_out_text": "You can close this page.",
        "expired_code": "This sign-in page has expired",
        "expired_code_text": "Go back to the site you came from and choose sign in again.",
        "refused": "Cannot sign in",
        "refused_text": "The request is incomplete or not registered. Go back to the site you came from and try again.",
    },
}
