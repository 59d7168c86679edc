"""A picture as pages and programs see it: a line of a list, and its whole label."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web
from attrs import asdict, frozen

from imageserver.journal import STORE, TRASH, Picture
from imageserver.pictures.album import Album
from imageserver.pictures.trash import KEPT
from imageserver.prompts.templates import split
from imageserver.web.keys import JOURNAL
from imageserver.web.whys import why_as_text
from imageserver.web.words import language_of


@frozen(kw_only=True)
class PictureLine:
    """A picture in a list. Times are seconds since 1970; addresses are good from the server's first page."""

    id: int
    name: str  # of its file
    prompt: str  # as it was sent; empty where there was none
    provider: str | None  # None: the owner put it there
    created: float  # when it was first seen
    favourite: bool
    hidden: bool
    deleted: float | None  # when it went into the trash
    is_owners: bool  # it lies in a folder of the owner's, and is never moved
    focus: tuple[float, float] | None
    thumbnail: str
    original: str


@frozen(kw_only=True)
class Drawn:
    """What was drawn for one place of a template."""

    place: str
    value: str


@frozen(kw_only=True)
class Label:
    """What else is known of a picture."""

    negative: str | None
    template: str | None  # the prompt as the library had it, where something was drawn for it
    values: tuple[Drawn, ...]  # in the order of the template; empty where they cannot be told
    model: str | None
    seed: int | None
    details: Mapping[str, str]
    price: str | None  # a decimal number; None where nothing was counted
    why: str | None  # it was made
    size: int  # bytes of the file
    kept_until: float | None  # of one in the trash


def line_of(picture: Picture) -> PictureLine:
    """A picture in a list."""
    address = f"api/v1/pictures/{picture.id}"
    return PictureLine(
        id=picture.id,
        name=picture.path.rpartition("/")[2],
        prompt=picture.prompt or "",
        provider=picture.provider,
        created=picture.first_seen,
        favourite=picture.favourite,
        hidden=picture.hidden,
        deleted=picture.deleted if picture.root == TRASH else None,
        is_owners=picture.root not in (STORE, TRASH),
        focus=picture.focus,
        # another address for another thumbnail, so that a browser may keep it
        thumbnail=f"{address}/thumbnail.jpg?v={Album.thumbnail_tag(picture)}",
        original=f"{address}/original",
    )


def as_line(picture: Picture) -> dict[str, object]:
    """A picture in a list, for an answer."""
    return asdict(line_of(picture))


async def as_label(request: web.Request, picture: Picture) -> dict[str, object]:
    """A picture with its whole label, for an answer; why it was made in the language of whoever asks."""
    price = None if picture.job is None else await request.app[JOURNAL].spending.price_of(picture.job)
    label = Label(
        negative=picture.negative,
        template=picture.template,
        values=drawn_values(picture.template, picture.prompt),
        model=picture.model or None,
        seed=picture.seed,
        details=dict(picture.details),
        price=None if price is None else str(price),
        why=None if picture.why is None else why_as_text(language_of(request), picture.why),
        size=picture.size,
        kept_until=picture.deleted + KEPT if picture.root == TRASH and picture.deleted is not None else None,
    )
    return as_line(picture) | asdict(label)


def drawn_values(template: str | None, prompt: str | None) -> tuple[Drawn, ...]:
    """What stands in a prompt where its template has places; () where the two do not fit together."""
    (first, *plain), places = split(template or "")
    rest = prompt or ""
    if not places or not rest.startswith(first) or "" in plain[:-1]:  # of two side by side nobody knows where one ends
        return ()
    rest = rest.removeprefix(first)
    values: list[Drawn] = []
    for place, piece in zip(places, plain, strict=True):
        end = len(rest) - len(piece) if len(values) == len(places) - 1 else rest.find(piece)
        if end < 0 or rest[end : end + len(piece)] != piece:
            return ()
        values.append(Drawn(place=place, value=rest[:end]))
        rest = rest[end + len(piece) :]
    return tuple(values)
