"""The pages of the record: what they show, and what they say when something is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from portal_fhir import FakeFhir
from portal_record import HOSPITAL, access, patient, visit
from portal_world import World, words, world

PAGES = (
    "/", "/timeline", "/results", "/results/obs-1", "/results/bp-1", "/reports/rep-1", "/reports/rep-2",
    "/visits/enc-1", "/documents/doc-1", "/medicines", "/vaccinations", "/record", "/access-log",
    "/access-log?view=emergency", "/access-log?view=system", "/access-log?view=mine", "/consent", "/consent/new",
    "/help", "/accessibility",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
class TestEveryPage:
    async def test_languages(self, visited: World, path: str) -> None:
        """In English no Chinese stands unmarked, and no page is another one than asked for."""
        await visited.browser.get("/preferences?language=en&back=/")
        html = await visited.get(path)
        marked = re.sub(r'<(\w+)[^>]*\blang="zh-CN"[^>]*>.*?</\1>', "", html, flags=re.DOTALL)
        inside = re.sub(r"<option[^>]*>[^<]*</option>", "", marked)

        assert re.findall(r"[\u3400-\u9fff]+", re.sub(r"<[^>]+>", "", inside)) == []
        assert '<html lang="en">' in html

    async def test_words(self, visited: World, path: str) -> None:
        """No bare code, no placeholder and no id is shown."""
        text = words(await visited.get(path))

        assert not re.search(r"\b(AMB|ETREAT|TREAT|HOPERAT|None|obs-\d|14771-0|E11\.9|in-progress)\b|%\(|\{\{", text)

    async def test_title_and_address(self, visited: World, path: str) -> None:
        """Titles name the page and the service, never a person, a test or an illness."""
        title = re.search(r"<title>(.*?)</title>", await visited.get(path))

        assert title
        assert title[1].endswith(" - 健康淄博")
        assert not re.search("王晓梅|血糖|糖尿病|CT", title[1])

    async def test_links(self, visited: World, path: str) -> None:
        """Every link of the page leads somewhere, and no address holds words of the record."""
        html = await visited.get(path)
        for link in dict.fromkeys(re.findall(r'<a[^>]*href="(/[^"#]*)"', html)):
            assert not re.search(r"14771|E11|%E7%8E%8B", link)
            if not link.startswith(("/preferences", "/static")):
                answer = await visited.browser.get(link.replace("&amp;", "&"))
                assert answer.status_code in (200, 303), link

    async def test_weight(self, visited: World, path: str) -> None:
        """A page is below 30 KB on the wire, with few requests of its own."""
        answer = await visited.browser.get(path)
        html = answer.text

        assert int(answer.headers.get("content-length", len(html))) < 30_000
        assert len(re.findall(r"<(?:script|link)[^>]*(?:src|href)=", html)) <= 3


class TestHome:
    async def test_news(self, visited: World) -> None:
        """The home page says that somebody looked, above all in an emergency, until the list was read."""
        assert "有人在紧急情况下查看了您的档案" in words(await visited.get("/"))
        await visited.get("/access-log")

        assert "查看了您的档案" not in words(await visited.get("/"))

    async def test_new_look(self, visited: World) -> None:
        """A look after that is news again."""
        await visited.get("/access-log")
        later = visited.clock().isoformat().replace("+00:00", "Z")
        event = access("aud-9", later, "赵药师", "pharmacist", "TREAT", "MedicationRequest?patient=x")
        visited.fhir.resources["AuditEvent/aud-9"] = event

        assert "有人看过您的档案 您上次查看以后，有 1 次。" in words(await visited.get("/"))

    async def test_newest(self, visited: World) -> None:
        """The newest entries and the next appointment are there."""
        text = words(await visited.get("/"))

        assert "门诊复诊 · 冯启明" in text
        assert "盐酸二甲双胍片" in text

    async def test_elder_tiles(self, visited: World) -> None:
        """Large text shows six tiles."""
        await visited.browser.get("/preferences?elder=1&back=/")
        html = (await visited.get("/")).partition('<ul class="cards">')[2].partition("</ul>")[0]

        assert html.count('class="card"') == 6

    async def test_unknown_resident(self, tmp_path: Path, mongo_uri: str, database_prefix: str) -> None:
        """A resident whom no facility knows is told what to do."""
        async with world(tmp_path, mongo_uri, database_prefix, []) as portal:
            await portal.sign_in("elder")

            assert "还没有找到您的健康记录" in words(await portal.get("/"))
            for path in ("/timeline", "/results", "/medicines", "/vaccinations", "/record", "/access-log", "/consent"):
                await portal.get(path)


class TestTimeline:
    async def test_order(self, visited: World) -> None:
        """Newest first, by year, each with kind and facility."""
        text = words(await visited.get("/timeline"))
        order = ["2026 年", "生化全套", "内分泌科", "流感疫苗", "血压", "胸部CT", "2025 年", "出院小结"]

        assert [text.index(one) for one in order] == sorted(text.index(one) for one in order)
        assert "接种 公园街道社区卫生服务中心 流感疫苗" in text
        assert "诊断：2型糖尿病" in text
        assert "有需要留意的结果" in text

    async def test_filters(self, visited: World) -> None:
        """By type, and by the facility that sent it."""
        visits = words(await visited.get("/timeline?type=visits"))
        clinic = words(await visited.get("/timeline?place=pat-c"))

        assert "内分泌科" in visits
        assert "流感疫苗" not in visits.partition("清除筛选")[2]
        assert "流感疫苗" in clinic
        assert "内分泌科" not in clinic

    async def test_pages(self, tmp_path: Path, mongo_uri: str, database_prefix: str) -> None:
        """Page by page every entry comes once, also where many have the same time."""
        visits = [visit(f"enc-{n}", f"2026-{1 + n // 28:02}-{1 + n % 28:02}", f"科{n}室", "c") for n in range(70)]
        same = [visit(f"same-{n}", "2026-02-01", f"同{n}室", "c") for n in range(5)]
        seen: list[str] = []
        async with world(tmp_path, mongo_uri, database_prefix, [patient("pat-h", HOSPITAL), *visits, *same]) as portal:
            await portal.sign_in()
            path = "/timeline"
            while path:
                html = await portal.get(path)
                seen += re.findall(r"/visits/([\w-]+)", html)
                older = re.search(r'href="(/timeline\?[^"]*)" rel="next"', html)
                path = older[1].replace("&amp;", "&") if older else ""

        assert len(seen) == len(set(seen)) == 75

    async def test_partly(self, visited: World) -> None:
        """When one kind cannot be had, the rest is shown and the gap named."""
        visited.fhir.broken = {"DiagnosticReport"}
        text = words(await visited.get("/timeline"))

        assert "没有取到的类型：检查检验" in text
        assert "内分泌科" in text

    async def test_not_at_all(self, visited: World) -> None:
        """When nothing can be had, the page says that the data is safe."""
        visited.fhir.broken = {"Patient"}

        assert "数据都在" in await visited.get("/timeline", 503)

    async def test_nonsense(self, visited: World) -> None:
        """Made-up filters and places are as none."""
        assert "内分泌科" in words(await visited.get("/timeline?type=x&place=y&before=%FF!"))


class TestResults:
    async def test_attention_first(self, visited: World) -> None:
        """The latest of each test; what is outside its range first, with arrow and word."""
        text = words(await visited.get("/results"))

        assert text.index("空腹血糖 6.4 mmol/L ↑ 偏高 参考范围 3.9–6.1") < text.index("丙氨酸氨基转移酶 27")
        assert "7.2" not in text
        assert "收缩压 128 mmHg" in text

    async def test_course(self, visited: World) -> None:
        """One test over time: explained, drawn, in a table, compared with the time before."""
        html = await visited.get("/results/obs-3")
        text = words(html)

        assert "空腹时血液里的葡萄糖" in text
        assert "比上一次（7.2）低。" in text
        assert "共 3 次，最近一次 6.4 mmol/L。" in html
        assert text.count("淄博市中心医院") == 4

    async def test_parts(self, visited: World) -> None:
        """A blood pressure has two courses."""
        assert {"收缩压", "舒张压"} <= set(words(await visited.get("/results/bp-1")).split())

    @pytest.mark.parametrize("path", ["/results/none", "/reports/none", "/visits/none", "/documents/none",
                                      "/results/..%2FPatient", "/results/a%20b"])  # fmt: skip
    async def test_not_there(self, visited: World, path: str) -> None:
        """What is not in this record is not found."""
        await visited.get(path, 404)

    async def test_partly(self, visited: World) -> None:
        """Reports are shown where results cannot be had."""
        visited.fhir.broken = {"Observation"}
        text = words(await visited.get("/results"))

        assert "有一部分内容暂时取不到" in text
        assert "右肺上叶微小结节" in text


class TestRecord:
    async def test_summary(self, visited: World) -> None:
        """Who, allergies, problems, facilities; the ID number with its middle hidden."""
        text = words(await visited.get("/record"))

        assert "3703**********0428" in text
        assert "磺胺类药物 过敏 药物 中度 反应：皮疹" in text
        assert "2型糖尿病" in text
        assert "370303198506120428" not in text

    async def test_medicines(self, visited: World) -> None:
        """What was prescribed lately stands before what was earlier; one entry a medicine."""
        text = words(await visited.get("/medicines"))

        order = ["近三个月", "每日2次", "以前的处方", "阿莫西林胶囊 已停用"]

        assert [text.index(one) for one in order] == sorted(text.index(one) for one in order)
        assert text.count("每日2次") == 1
        assert "60 片" in text

    async def test_vaccinations(self, visited: World) -> None:
        """Every dose with date, place and lot."""
        assert "流感疫苗 2026年10月15日 · 公园街道社区卫生服务中心" in words(await visited.get("/vaccinations"))

    async def test_visit(self, visited: World) -> None:
        """A visit with its diagnoses, results and prescriptions."""
        text = words(await visited.get("/visits/enc-1"))

        for one in ("2026年11月16日 门诊", "吴晓峰", "2型糖尿病", "生化全套", "盐酸二甲双胍片"):
            assert one in text

    async def test_document(self, visited: World) -> None:
        """A document's text is read on the page."""
        assert "病情好转。" in words(await visited.get("/documents/doc-1"))


class TestAccessLog:
    async def test_lines(self, visited: World) -> None:
        """Person, role, facility, reason and what was opened; one look is one line, an emergency is marked."""
        text = words(await visited.get("/access-log"))

        assert text.count("张医生") == 1
        assert "身份 临床医护人员 机构 淄博市中心医院 为什么 为您看病" in text
        assert "诊断、化验与测量结果" in text
        assert "紧急查看 李医生" in text
        assert "紧急救治：昏迷送入急诊" in text
        assert "王晓梅" not in text

    async def test_views(self, visited: World) -> None:
        """Emergencies, systems and oneself have views of their own."""
        assert "张医生" not in words(await visited.get("/access-log?view=emergency"))
        assert "做了什么 传送一批记录" in words(await visited.get("/access-log?view=system"))
        assert "居民本人" in words(await visited.get("/access-log?view=mine"))


class TestHealth:
    async def test_live(self, portal: World) -> None:
        """The process answers, and says whether its neighbours do."""
        assert (await portal.browser.get("/health/live")).json() == {"status": "live"}
        assert (await portal.browser.get("/health/ready")).json() == {"status": "ready"}


def test_fake_is_strict() -> None:
    """The fake server knows only the parameters that it implements, so a wrong name cannot pass here."""
    from portal_fhir import matches

    with pytest.raises(AssertionError):
        matches(patient("p", HOSPITAL), "nonsense", "x")
    assert FakeFhir([]).of("Patient") == []
