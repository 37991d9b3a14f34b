"""
Pages: a template, the visitor's language and mode, and every header that a page must have.

https://jinja.palletsprojects.com/en/stable/api/, https://www.rfc-editor.org/rfc/rfc9111#name-no-store-2
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from babel.support import NullTranslations
from jinja2 import Environment, PackageLoader, PrefixLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from hie.ui import charts, forms, preferences, static
from hie.ui.filters import filters
from hie.ui.headers import security_headers
from hie.ui.i18n import LANGUAGES, language_of, translations
from hie.ui.parts import Shell
from hie.ui.problems import known

OWN = "hie.ui"
_log = structlog.get_logger("hie.ui")


class Pages:
    """
    The pages of one application; built once.

    `packages` have a `templates` folder, reached as `last_name/file.html`, and may have `locale/en.po`. `form_targets`
    are the origins besides our own that a form may lead to (the issuer). `base` is where the application is mounted.
    """

    def __init__(
        self,
        *,
        service: str,
        packages: Sequence[str],
        form_targets: Sequence[str] = (),
        shell: Callable[[Request], Shell] = lambda _: Shell(),
        base: str = "",
        https: bool = False,
    ) -> None:
        self.service, self.base = service, base
        self._shell = shell
        self._headers = security_headers(form_targets, https=https)
        self._packages = (OWN, *(package for package in packages if package != OWN))
        self._environments = {language: self._environment(language) for language in LANGUAGES}

    def render(self, request: Request, template: str, *, status: int = 200, **context: Any) -> Response:
        """A page, with its headers."""
        language = language_of(request.cookies.items())
        shell = self._shell(request)
        html = self._environments[language].get_template(template).render(
            request=request,
            shell=shell,
            lang=language,
            elder=preferences.is_elder(request),
            here=_here(request),
            csrf_field=lambda: _csrf_field(shell),
            **{"errors": {}, "values": {}, **context},
        )  # fmt: skip
        return HTMLResponse(html, status, headers=self._headers)

    def problem(self, request: Request, status: int, *, text: str = "", reference: str = "") -> Response:
        """An error page: what happened, what was saved, what to do next, and a reference for the help desk."""
        reference = reference or uuid.uuid4().hex[:8]
        shown = known(status)
        return self.render(request, "ui/problem.html", status=status, problem=shown, text=text, reference=reference)

    def text(self, request: Request, message: str) -> str:
        """A text in the visitor's language, for what is not a template."""
        language = language_of(request.cookies.items())
        return str(translations(language, self._packages).gettext(message))

    def exception_handlers(self) -> dict[Any, Any]:
        """For Starlette and FastAPI: every refusal and every fault becomes an error page."""

        async def http(request: Request, error: HTTPException) -> Response:
            return self.problem(request, error.status_code)

        async def forgery(request: Request, _: Exception) -> Response:
            return self.problem(request, 403)

        async def fault(request: Request, error: Exception) -> Response:
            reference = uuid.uuid4().hex[:8]
            _log.error("page failed", error=type(error).__name__, reference=reference, exc_info=True)
            return self.problem(request, 500, reference=reference)

        return {HTTPException: http, forms.Forgery: forgery, Exception: fault}

    def _environment(self, language: str) -> Environment:
        loaders = {package.rpartition(".")[2]: PackageLoader(package) for package in self._packages}
        environment = Environment(
            loader=PrefixLoader(loaders),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
            auto_reload=False,
        )
        words = translations(language, self._packages)
        environment.install_gettext_callables(words.gettext, words.ngettext)  # type: ignore[attr-defined]
        environment.globals |= {"_": _one(words), "gettext": _one(words), "ngettext": _many(words)}
        environment.filters |= filters(language)
        environment.globals |= {
            "asset": static.url,
            "service": self.service,
            "language": language,
            "chart": charts.Charts(words.gettext, language),
            "switch": lambda back, **change: preferences.switch(self.base, back, **change),
        }
        environment.globals["ui"] = environment.get_template("ui/macros.html").module
        return environment


def _one(words: NullTranslations) -> Callable[..., str]:
    # Jinja's own newstyle calls format every text; a sender's "5%" would break the page.
    def translate(text: str, **values: Any) -> str:
        found = str(words.gettext(text)) if text else ""
        return Markup(escape(found)) % values if values else found  # noqa: S704 - escaped

    return translate


def _many(words: NullTranslations) -> Callable[..., str]:
    def translate(one: str, many: str, number: int, **values: Any) -> str:
        return Markup(escape(words.ngettext(one, many, number))) % {"num": number, **values}  # noqa: S704 - escaped

    return translate


def _here(request: Request) -> str:
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path


def _csrf_field(shell: Shell) -> Markup:
    if not shell.csrf_secret:
        return Markup("")
    return Markup('<input type="hidden" name="{}" value="{}">').format(forms.FIELD, forms.token(shell.csrf_secret))
