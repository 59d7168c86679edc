"""Every URL of the server, on one screen."""

from __future__ import annotations

from aiohttp import web

from imageserver.web import admin_api, frame_api, pages
from imageserver.web.admin_api import only_owner

# fmt: off
ROUTES = (
    # what frames ask
    ("POST", "/operation/start",       frame_api.start),
    ("GET",  "/operation/status/{id}", frame_api.status),
    ("GET",  "/operation/result/{id}", frame_api.result),
    ("POST", "/prompt/add",            frame_api.add_prompt),
    ("GET",  "/frame.jpg",             pages.frame_jpg),
    # what people look at
    ("GET",  "/",                      pages.page),
    ("GET",  "/current.jpg",           pages.current_jpg),
    ("GET",  "/static/page.css",       pages.style),
    # what programs ask
    ("GET",  "/healthz",               admin_api.healthz),
    ("GET",  "/api/v1/jobs",           only_owner(admin_api.jobs)),
    ("GET",  "/api/v1/plugins",        only_owner(admin_api.plugins)),
    ("POST", "/api/v1/plugins/reload", only_owner(admin_api.reload)),
    ("POST", "/api/v1/rotation",       only_owner(admin_api.rotate)),
)
# fmt: on
_WITH_HEAD = ("/", "/frame.jpg", "/healthz", "/current.jpg")


def add_routes(app: web.Application) -> None:
    """Put the table into the application."""
    for method, path, handler in ROUTES:
        app.router.add_route(method, path, handler)
        if path in _WITH_HEAD:
            app.router.add_route("HEAD", path, handler)
