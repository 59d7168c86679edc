"""The page with every setting: what counts, where it comes from, and what can be changed here."""

from __future__ import annotations

from aiohttp import web
from attrs import frozen

from imageserver.config.listing import Section
from imageserver.web.html import html_answer, said
from imageserver.web.keys import SETTINGS
from imageserver.web.setting_rows import Row, rows
from imageserver.web.setting_words import GROUP_TITLES
from imageserver.web.settings_api import where_the_password_is


@frozen(kw_only=True)
class Part:
    """A part of the page that opens, with a form of its own where something can be changed in it."""

    id: str
    title: str
    code: str = ""
    fields: tuple[Row, ...]  # what can be changed here
    facts: tuple[Row, ...]  # what cannot


async def page(request: web.Request) -> web.Response:
    """GET /settings."""
    standing = await request.app[SETTINGS].look()
    titles = {group.name: said(request, GROUP_TITLES[group.name]) for group in standing.options}
    return html_answer(
        request,
        "settings.html",
        standing=standing,
        groups=[_part(request, group, "options", titles[group.name]) for group in standing.options],
        providers=[_part(request, one, f"providers/{one.name}", one.title, one.name) for one in standing.providers],
        extensions=[_part(request, one, f"extensions/{one.name}", one.title, one.name) for one in standing.extensions],
        password=where_the_password_is(request),
    )


def _part(request: web.Request, section: Section, prefix: str, title: str, code: str = "") -> Part:
    every = rows(request, section, prefix)
    return Part(
        id=f"{prefix}/{section.name}".replace("/", "-").replace(" ", "-"),
        title=title,
        code=code,
        fields=tuple(row for row in every if row.setting.counts != "by_hand"),
        facts=tuple(row for row in every if row.setting.counts == "by_hand"),
    )
