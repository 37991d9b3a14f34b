"""Names made comparable."""

from __future__ import annotations

import pytest

from hie.identity import names


class TestNames:
    @pytest.mark.parametrize(
        ("one", "other"), [("王曉梅", "王晓梅"), ("阿依古丽·买买提", "阿依古丽•买买提"), ("John  Smith", "john smith")]
    )
    def test_normalise(self, one: str, other: str) -> None:
        """Traditional characters, dots and spaces make no other name."""
        assert names.normalise(one) == names.normalise(other)

    @pytest.mark.parametrize(
        ("name", "sound"),
        [
            ("单雄信", "shanxiongxin"),
            ("仇英", "qiuying"),
            ("尉迟恭", "yuchigong"),
            ("长孙无忌", "zhangsunwuji"),
            ("曾国", "zengguo"),
        ],
    )
    def test_surnames(self, name: str, sound: str) -> None:
        """Surnames sound as surnames do, not as in a dictionary."""
        assert names.sounds(name) == (sound,)

    def test_two_readings(self) -> None:
        """Where two readings live, both are keys."""
        assert names.sounds("翟刚") == ("zhaigang", "digang")

    @pytest.mark.parametrize("name", ["无名氏", "未知", "TEST", "无名氏1", "测试患者2"])
    def test_unidentified(self, name: str) -> None:
        """Placeholders name nobody."""
        assert names.is_unidentified(name)

    @pytest.mark.parametrize("name", ["王某之子", "李红之女", "张丽之婴"])
    def test_newborn(self, name: str) -> None:
        """A newborn's temporary name is one."""
        assert names.is_newborn(name)
        assert not names.is_newborn("王子")
