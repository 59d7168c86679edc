"""A server whose painter is a plugin in the owner's folder: it is found again when the options are read anew."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from live import Live, live

PLUGIN = """
from attrs import frozen
from imageserver import hookimpl
from imageserver.config.model import setting
from live import painter

@frozen(kw_only=True)
class Keys:
    api_key: str = setting(default="sk-no-one-sees-this-default", doc="The key.", secret=True)
    base_url: str = "http://me:hidden-word@10.0.0.2/x"

Painter = painter(settings_class=Keys)

@hookimpl
def imageserver_register_providers(register):
    register(Painter)
"""


@asynccontextmanager
async def house(tmp_path: Path, options: str, **more: Any) -> AsyncIterator[Live]:
    """Serve from `tmp_path`; at the end of `options` stands the folder with the plugin."""
    plugins, before = tmp_path / "plugins", set(sys.modules)
    plugins.mkdir(exist_ok=True)
    (plugins / "painter.py").write_text(PLUGIN)
    try:
        async with live(tmp_path, options=f"{options}plugins_dir: {plugins}\n", plugins_dir=plugins, **more) as server:
            yield server
    finally:
        for name in set(sys.modules) - before:
            if name.startswith("imageserver_plugin_"):
                del sys.modules[name]
