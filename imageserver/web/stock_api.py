"""What an unmodified AiFrame asks: the service it was made for is gone, and this server answers in its place.

The firmware reads a status word by word instead of parsing it, so those bodies are written here letter by letter. It
goes on asking for ever unless it hears DONE or FAIL, so a status is never a 404.
"""

from __future__ import annotations

import base64
import json
from typing import Literal

from aiohttp import web

from imageserver.delivery import Never, Outcome, Pending, Ready
from imageserver.errors import BadRequest, TooManyWaiting
from imageserver.frames import Frame
from imageserver.intake import Intake, Receipt
from imageserver.jobs import Kind
from imageserver.policy import Wish
from imageserver.web.answers import json_answer
from imageserver.web.asking import asking
from imageserver.web.bodies import Fields, whole_body
from imageserver.web.handover import handing_over
from imageserver.web.keys import DELIVERY, FRAMES, INTAKE, OPTIONS, SIGHTINGS
from imageserver.web.stock_form import parts
from imageserver.web.stock_styles import STYLES, styled
from imageserver.web.stock_uuid import StockUuid, read_uuid

_KINDS = {"auto": Kind.AUTO, "ask": Kind.ANY}

_NOBODYS = "unknown"  # stands where a uuid cannot be repeated: the firmware reads quoted words and needs one there


async def styles(request: web.Request) -> web.Response:
    """GET /static/styles/{list}: what the frame's page offers its owner."""
    asking(request)
    return json_answer(
        [{"name": style.name, "title": style.title, "titleEn": style.title, "image": ""} for style in STYLES]
    )


async def models(request: web.Request) -> web.Response:
    """GET /key/api/v1/models: the firmware takes the first one's number."""
    asking(request)
    return json_answer([{"id": 4, "name": "ImageServer", "version": 1.0, "type": "TEXT2IMAGE"}])


async def availability(request: web.Request) -> web.Response:
    """GET /key/api/v1/text2image/availability: always."""
    asking(request)
    return json_answer({"model_status": "ACTIVE"})


async def run(request: web.Request) -> web.Response:
    """POST /key/api/v1/text2image/run: begin, and answer at once."""
    form = parts(request.headers.get("Content-Type", ""), await whole_body(request))
    fields = Fields(_params(form))
    frame = asking(request)
    wish = Wish(
        kind=_kind(request.app, frame),
        prompt=styled(fields.inside("generateParams").text("query"), fields.text("style")),
        negative=fields.text("negativePromptUnclip"),
    )
    width, height = fields.whole("width"), fields.whole("height")
    fields.finish()
    sized = request.app[FRAMES].at_size(frame, width, height)
    if sized is None:
        raise BadRequest(f"width, height: no size that pictures are made in here: {width}x{height}")
    sightings = request.app[SIGHTINGS]
    sightings.visited(frame.key)
    receipt = await _take(request.app[INTAKE], wish, sized)
    sightings.began(frame.key, receipt.id)
    uuid = StockUuid(job=receipt.id, width=width, height=height)
    return json_answer({"uuid": uuid.text, "status": "INITIAL"})


def _kind(app: web.Application, frame: Frame) -> Kind:
    """Its timer cannot be told from its button, so in a sleep window it is taken for the timer."""
    return Kind.AUTO if app[INTAKE].asleep(frame) is not None else _KINDS[app[OPTIONS].options.stock_frames]


async def status(request: web.Request) -> web.StreamResponse:
    """GET /key/api/v1/text2image/status/{uuid}: where it stands, and the picture once it is there."""
    uuid = read_uuid(request.match_info["uuid"])
    frame = asking(request)
    if uuid is None:
        return _word(None, "FAIL")
    request.app[SIGHTINGS].asked_for(frame.key, uuid.job)
    outcome: Outcome | None = await request.app[DELIVERY].status(uuid.job)
    if outcome is None:
        # Not before: a size counts among those in use, and who makes uuids up must not use them up.
        sized = request.app[FRAMES].at_size(frame, uuid.width, uuid.height)
        outcome = Never() if sized is None else await request.app[DELIVERY].result(uuid.job, sized)
    match outcome:
        case Ready():
            return await _picture(request, uuid, frame, outcome)
        case Pending():
            return _word(uuid, "PROCESSING")
        case _:  # never given, or expired; where nobody could paint there is a stored picture or a card
            return _word(uuid, "FAIL")


def _params(form: dict[str, bytes]) -> dict[str, object]:
    if "params" not in form:
        raise BadRequest("params: missing")
    try:
        params = json.loads(form["params"])
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"params: no JSON: {str(error)[:80]}") from None
    if not isinstance(params, dict):
        raise BadRequest("params: must be an object")
    return params


async def _take(intake: Intake, wish: Wish, frame: Frame) -> Receipt:
    try:
        return await intake.take(wish, frame)
    except TooManyWaiting:  # the firmware would show an error where another picture could hang
        return await intake.take(Wish(kind=Kind.OLD), frame)


def _word(uuid: StockUuid | None, said: Literal["PROCESSING", "FAIL"]) -> web.Response:
    name = _NOBODYS if uuid is None else uuid.text
    return web.Response(body=f'{{"uuid":"{name}","status":"{said}"}}'.encode(), content_type="application/json")


async def _picture(request: web.Request, uuid: StockUuid, frame: Frame, ready: Ready) -> web.StreamResponse:
    try:
        text = ready.rendition.base64 or base64.b64encode(await ready.rendition.jpeg())
    except OSError:  # thrown away at this very moment; it is made anew until the frame comes again
        return _word(uuid, "PROCESSING")
    # What stands before the picture is read in pairs of quoted words; what stands behind it is never read.
    head = f'{{"uuid":"{uuid.text}","status":"DONE","images":["'.encode()
    body = b"".join((head, text, b'"],"errorDescription":"","censored":false}'))
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.content_length = len(body)
    with handing_over(request, frame, uuid.job, ready):
        await response.prepare(request)
        await response.write(body)  # all at once: the frame draws what it has after a pause of 2 s
        await response.write_eof()
    return response
