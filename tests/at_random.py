"""Schemathesis against the real program: what openapi.yaml allows is asked at random, and what it does not."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attrs import frozen
from described import METHODS, described, description
from live import picture_bytes
from program import Program, environment, program

from imageserver.running import Running

# What the shared answers of the file say of each status that they stand for. With the ranges 4XX and 5XX themselves
# every status would be described, and none could be wrong.
_MEANT = {
    "Refused": ("403", "408", "413"),
    "PageRefused": ("400", "401", "403", "408", "413", "421", "429"),
    "HeadRefused": ("400", "401", "403", "408", "413", "421", "429"),
}
_CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
_PLUGIN = '''
"""A painter that is done at once."""

import base64

from imageserver import GeneratedImage, ImageProvider, hookimpl


class Brush(ImageProvider):
    code = "brush"
    title = "Brush"
    idempotent = True

    async def generate(self, request):
        return GeneratedImage(data=base64.b64decode("PICTURE"), model="brush", seed=request.seed)


@hookimpl
def imageserver_register_providers(register):
    register(Brush)
'''
_OPTIONS = """\
disabled_providers: [atelier]
plugins_dir: plugins
render: fast
frames: {kitchen: {address: 10.0.0.7}, hall: {}}
"""


@frozen(kw_only=True)
class Asked:
    """What came of a run."""

    code: int  # 0: nothing was found
    said: str
    statuses: Mapping[str, frozenset[int]]  # by "GET /path/{of}/the/file"
    requests: int


@asynccontextmanager
async def server_to_ask(folder: Path, extra: Mapping[str, str] | None = None) -> AsyncIterator[Program]:
    """The program with pictures, frames, a prompt and a painter, in a folder that may be destroyed."""
    import base64

    data, images = folder / "data", folder / "images"
    (data / "plugins").mkdir(parents=True)
    images.mkdir()
    small = base64.b64encode(picture_bytes("orange", (64, 96))).decode()
    (data / "plugins" / "brush.py").write_text(_PLUGIN.replace("PICTURE", small), encoding="utf-8")
    (data / "options.yml").write_text(_OPTIONS, encoding="utf-8")
    for number in range(12):
        (images / f"stored{number}.jpg").write_bytes(picture_bytes(f"hsl({number * 30}, 80%, 50%)", (160, 240)))
    async with program(data, extra) as running:
        yield running


def owner(folder: Path) -> Mapping[str, str]:
    """What the command line shows: it may do everything, and no wrong guess of others bars it."""
    return {"Authorization": f"Bearer {Running.find(folder / 'data').token}"}


def exact() -> dict[str, Any]:
    """The description with each status named that a range stands for, and with values that lead somewhere."""
    exact: dict[str, Any] = json.loads(json.dumps(description()))  # shares nothing, as YAML's aliases do
    for item in exact["paths"].values():
        for method in METHODS:
            if method in item:
                _name_statuses(item[method]["responses"])
    parameters = exact["components"]["parameters"]
    parameters["PictureId"]["schema"]["maximum"] = 20
    parameters["FrameKey"]["schema"] = {"anyOf": [{"enum": ["kitchen", "hall"]}, {"type": "string"}]}
    parameters["FrameName"]["schema"] = {"anyOf": [{"enum": ["kitchen", "hall"]}, {"type": "string"}]}
    files = ["page.css", "page.js", "gallery.js"]
    exact["paths"]["/static/{file}"]["parameters"][0]["schema"] = {"anyOf": [{"enum": files}, {"type": "string"}]}
    return exact


def _name_statuses(responses: dict[str, Any]) -> None:
    refused = responses.pop("4XX")
    responses.pop("5XX")
    for status in _MEANT[refused["$ref"].rpartition("/")[2]]:
        responses.setdefault(status, refused)


async def ask_at_random(
    folder: Path,
    port: int,
    described_as: Mapping[str, Any],
    *,
    headers: Mapping[str, str],
    examples: int,
    phases: Sequence[str] = ("examples", "coverage", "fuzzing"),
    seed: int | None = None,
    more: Sequence[str] = (),
) -> Asked:
    """One run of schemathesis over all operations. Without a seed it is the same each time."""
    file, har = folder / "described.json", folder / "asked.har"
    file.write_text(json.dumps(described_as), encoding="utf-8")
    arguments = [
        "run", str(file), "--url", f"http://127.0.0.1:{port}", "--no-color", "--warnings", "off",
        "--checks", ",".join(_CHECKS), "--phases", ",".join(phases), "--max-examples", str(examples),
        "--max-redirects", "0",
        "--suppress-health-check", "all", "--continue-on-failure", "--request-timeout", "30",
        "--report-har-path", str(har), *more,
    ]  # fmt: skip
    fixed = ["--generation-deterministic"] if seed is None else ["--seed", str(seed), "--generation-database", "none"]
    arguments += fixed
    for name, value in headers.items():
        arguments += ["--header", f"{name}: {value}"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "schemathesis.cli", *arguments,
        stdout=PIPE, stderr=STDOUT, cwd=folder, env=environment() | {"PYTHONWARNINGS": "ignore", "COLUMNS": "160"},
    )  # fmt: skip
    try:
        said = (await process.communicate())[0].decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    statuses, requests = _counted(har)
    return Asked(code=process.returncode, said=said, statuses=statuses, requests=requests)


def _counted(har: Path) -> tuple[dict[str, frozenset[int]], int]:
    found: defaultdict[str, set[int]] = defaultdict(set)
    entries = json.loads(har.read_text(encoding="utf-8"))["log"]["entries"] if har.exists() else []
    for entry in entries:
        method, path = entry["request"]["method"], urlsplit(entry["request"]["url"]).path
        known = described(method, path)
        if known is not None:
            found[f"{method} {known}"].add(entry["response"]["status"])
    return {name: frozenset(of) for name, of in found.items()}, len(entries)
