"""
The design system of the portal and of the staff workbench: pages, parts, charts, languages. It imports nothing of ours.

https://www.w3.org/TR/WCAG22/, https://www.w3.org/TR/CSP3/

In an application, once:

    pages = Pages(service="健康淄博", packages=("portal",), form_targets=(issuer_origin,), shell=shell_of_request)
    routes = [*static.routes(), *preferences.routes(), ...]

In a route:

    return pages.render(request, "portal/home.html", name=name)          # 200, every security header, no-store
    return pages.render(request, "portal/form.html", status=422, errors={"reason": N_("请填写理由。")}, values=form)
    return pages.problem(request, 404)                                    # an error page with a reference

In a template, `package/name.html` lies in the `templates` folder of the package of that (last) name:

    {% extends "ui/base.html" %}
    {% block title %}{{ _("我的化验") }}{% endblock %}
    {% block content %} ... {% endblock %}

Always there: `_`, `ngettext`, `ui` (the macros of `ui/macros.html`), `chart` (hie.ui.charts), `asset`, `lang`, `elder`,
`shell`, `here` (this address), `csrf_field()`, and the filters of hie.ui.filters. README.md lists the macros.

Texts are Chinese in the source; `locale/en.po` of each package has the English. In Python, mark with `N_`, translate in
the template with `_(text)`. Clinical text of a sender is never translated: `{{ text|zh }}` marks its language.
"""

from __future__ import annotations

from hie.ui.i18n import N_
from hie.ui.pages import Pages
from hie.ui.parts import Count, NavItem, Option, PatientBanner, Shell, Tag

__all__ = ["N_", "Count", "NavItem", "Option", "Pages", "PatientBanner", "Shell", "Tag"]
