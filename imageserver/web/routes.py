"""Every URL of the server, on one screen."""

from __future__ import annotations

from aiohttp import web

from imageserver.access.rules import For
from imageserver.web import (
    access_api,
    admin_api,
    ask_page,
    description,
    frame_api,
    frame_list,
    frames_page,
    gallery,
    jobs_api,
    keeping_api,
    metrics,
    naming_api,
    now_page,
    numbers,
    pages,
    picture_api,
    picture_upload,
    prompts_api,
    prompts_page,
    providers_page,
    settings_api,
    settings_page,
    sign_in,
    steering_api,
    stock_api,
)
from imageserver.web.access import WHO_MAY
from imageserver.web.html import PATHS, static

# Method, path, handler, and whom it is for: docs/http-api.md says what each of these words means.
# fmt: off
ROUTES = (
    # what frames ask
    ("POST", "/operation/start",       frame_api.start,           For.FRAMES),
    ("GET",  "/operation/status/{id}", frame_api.status,          For.FRAMES),
    ("GET",  "/operation/result/{id}", frame_api.result,          For.FRAMES),
    ("POST", "/prompt/add",            frame_api.add_prompt,      For.FRAMES),
    ("GET",  "/frame.jpg",             pages.frame_jpg,           For.FRAMES),
    ("GET",  "/frame/{name}.jpg",      pages.named_frame_jpg,     For.FRAMES),
    # what stock AiFrames ask
    ("GET",  "/static/styles/{list}",  stock_api.styles,          For.FRAMES),
    ("GET",  "/key/api/v1/models",     stock_api.models,          For.FRAMES),
    ("GET",  "/key/api/v1/text2image/availability",     stock_api.availability, For.FRAMES),
    ("POST", "/key/api/v1/text2image/run",              stock_api.run,          For.FRAMES),
    ("GET",  "/key/api/v1/text2image/status/{uuid:.*}", stock_api.status,       For.FRAMES),
    # how people come in
    ("GET",  "/sign-in",               sign_in.sign_in_page,      For.DOOR),
    ("POST", "/sign-in",               sign_in.sign_in,           For.DOOR),
    ("GET",  "/first-visit",           sign_in.first_visit_page,  For.DOOR),
    ("POST", "/first-visit",           sign_in.first_visit,       For.DOOR),
    ("POST", "/sign-out",              sign_in.sign_out,          For.DOOR),
    ("GET",  "/language",              sign_in.language,          For.DOOR),
    ("GET",  "/static/{file}",         static,                    For.DOOR),
    # what people look at
    ("GET",  "/",                      now_page.page,             For.PAGES),
    ("GET",  "/gallery",               gallery.gallery,           For.PAGES),
    ("GET",  "/ask",                   ask_page.page,             For.PAGES),
    ("GET",  "/prompts",               prompts_page.page,         For.PAGES),
    ("GET",  "/providers",             providers_page.page,       For.PAGES),
    ("GET",  "/house",                 frames_page.page,          For.PAGES),
    ("GET",  "/numbers",               numbers.page,              For.PAGES),
    ("GET",  "/settings",              settings_page.page,        For.PAGES),
    ("GET",  "/current.jpg",           pages.current_jpg,         For.PAGES),
    ("GET",  "/current.png",           pages.current_png,         For.PAGES),
    # what programs ask
    ("GET",  "/frames",                frame_list.frames,         For.PAGES),
    ("GET",  "/metrics",               metrics.metrics,           For.METRICS),
    ("GET",  "/healthz",               admin_api.healthz,         For.FRAMES),
    ("GET",  "/readyz",                admin_api.readyz,          For.FRAMES),
    ("GET",  "/openapi.yaml",          description.openapi,       For.PAGES),
    ("GET",  "/api/v1/jobs",           admin_api.jobs,            For.READ),
    ("POST", "/api/v1/jobs",           jobs_api.begin,            For.WRITE),
    ("GET",  "/api/v1/jobs/{id}/events",                jobs_api.events, For.READ),
    ("GET",  "/api/v1/plugins",        admin_api.plugins,         For.READ),
    ("POST", "/api/v1/plugins/reload", admin_api.reload,          For.WRITE),
    ("POST", "/api/v1/pictures/focus", admin_api.focus,           For.WRITE),
    ("GET",    "/api/v1/pictures",                    picture_api.pictures,   For.READ),
    ("POST",   "/api/v1/pictures",                    picture_upload.upload,  For.WRITE),
    ("GET",    "/api/v1/pictures/{id}",               picture_api.picture,    For.READ),
    ("PATCH",  "/api/v1/pictures/{id}",               picture_api.change,     For.WRITE),
    ("DELETE", "/api/v1/pictures/{id}",               picture_api.delete,     For.WRITE),
    ("POST",   "/api/v1/pictures/{id}/restore",       picture_api.restore,    For.WRITE),
    ("GET",    "/api/v1/pictures/{id}/thumbnail.jpg", picture_api.thumbnail,  For.READ),
    ("GET",    "/api/v1/pictures/{id}/original",      picture_api.original,   For.READ),
    ("POST",   "/api/v1/frames",                      naming_api.add,         For.WRITE),
    ("PATCH",  "/api/v1/frames/{name}",               naming_api.change,      For.WRITE),
    ("DELETE", "/api/v1/frames/{name}",               naming_api.remove,      For.WRITE),
    ("POST",   "/api/v1/frames/{name}/next",          steering_api.hang_next, For.WRITE),
    ("PUT",    "/api/v1/frames/{name}/sleep",         steering_api.sleep,     For.WRITE),
    ("DELETE", "/api/v1/frames/{name}/sleep",         steering_api.wake,      For.WRITE),
    ("GET",    "/api/v1/numbers",       numbers.numbers,          For.READ),
    ("GET",    "/api/v1/prompts",       prompts_api.prompts,      For.READ),
    ("POST",   "/api/v1/prompts",       prompts_api.add,          For.WRITE),
    ("POST",   "/api/v1/prompts/try",   prompts_api.try_out,      For.READ),
    ("PATCH",  "/api/v1/prompts/{idx}", prompts_api.change,       For.WRITE),
    ("DELETE", "/api/v1/prompts/{idx}", prompts_api.remove,       For.WRITE),
    ("GET",    "/api/v1/settings",      settings_api.settings,    For.READ),
    ("PATCH",  "/api/v1/settings",      settings_api.change,      For.OWNER),
    ("POST", "/api/v1/rotation",       admin_api.rotate,          For.WRITE),
    ("POST", "/api/v1/counters/confirm", keeping_api.confirm_counters, For.OWNER),
    ("POST", "/api/v1/journal/copy",   keeping_api.copy_journal,  For.COMMAND),
    # who may come in
    ("POST",   "/api/v1/password",      access_api.set_password,  For.COMMAND),
    ("GET",    "/api/v1/tokens",        access_api.tokens,        For.OWNER),
    ("POST",   "/api/v1/tokens",        access_api.add_token,     For.OWNER),
    ("DELETE", "/api/v1/tokens/{name}", access_api.remove_token,  For.OWNER),
)
# fmt: on
_WITH_HEAD = ("/", "/frame.jpg", "/frame/{name}.jpg", "/healthz", "/readyz", "/current.jpg", "/current.png")


def add_routes(app: web.Application) -> None:
    """Put the table into the application."""
    app[WHO_MAY] = {}
    app[PATHS] = frozenset(path for _, path, _, _ in ROUTES)
    for method, path, handler, route_for in ROUTES:
        app[WHO_MAY][app.router.add_route(method, path, handler)] = route_for
        if path in _WITH_HEAD:
            app[WHO_MAY][app.router.add_route("HEAD", path, handler)] = route_for
