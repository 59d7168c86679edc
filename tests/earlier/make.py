"""Writes down the data folder of another version of this server: `python -m earlier.make COMMIT NAME`, in tests/.

The version runs for real, from a checkout of its own, on a new data folder: frames ask, a picture is painted, one is
bought from a plugin that costs something, a prompt is added. What it leaves becomes text in tests/earlier/NAME/.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
_PICTURES = 3  # in the store from the beginning, so that no starter set is painted
_PLUGIN = """
import io
from decimal import Decimal
from PIL import Image
from imageserver import GeneratedImage, ImageProvider, hookimpl

class Dear(ImageProvider):
    code = "dear"
    paid = True
    default_price = Decimal("2.5")

    async def generate(self, request):
        file = io.BytesIO()
        picture = Image.new("RGB", (320, 480), "teal")
        picture.paste("black", (0, 0, 320, 240))
        picture.save(file, "JPEG")
        return GeneratedImage(data=file.getvalue(), model="a model")

@hookimpl
def imageserver_register_providers(register):
    register(Dear)
"""


def main() -> None:
    """Run the version, and write its folder."""
    commit, name = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        subprocess.run(["git", "worktree", "add", "--detach", tree, commit], cwd=HERE, check=True)
        try:
            written = lived(tree, Path(folder))
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", tree], cwd=HERE, check=True)
        keep(written, HERE / name)


def lived(tree: Path, folder: Path) -> Path:
    """The data folder after some life of that version."""
    from PIL import Image

    data = folder / "data"
    (folder / "images").mkdir()
    (folder / "plugins").mkdir()
    data.mkdir()
    for number in range(_PICTURES):
        Image.new("RGB", (64, 96), (number * 80, 90, 90)).save(folder / "images" / f"mine-{number}.jpg")
    (folder / "plugins" / "dear.py").write_text(_PLUGIN)
    (data / "options.yml").write_text(
        f"image_generate_threshold: 0\nplugins_dir: {folder}/plugins\nproviders: {{dear: {{}}, atelier: {{}}}}\n"
    )
    (data / "prompts.json").write_text(json.dumps({"prompts": [{"idx": 1, "prompt": "a heron"}]}))
    with subprocess.Popen(
        [sys.executable, "-m", "imageserver", "serve", "--data", data, "--host", "127.0.0.1", "--port", "0"],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree)},
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        lines = [server.stdout.readline() for _ in range(3)]
        port = int(next(line for line in lines if line.startswith("Page:")).strip("/\n").rsplit(":", 1)[1])
        for wish in (
            {"type": "old"},
            {"type": "old"},
            {"type": "provider", "provider": "dear", "prompt": "a dear owl"},
            {"type": "provider", "provider": "atelier", "prompt": "a free owl"},
            {"type": "old"},
        ):
            operation = ask(port, "/operation/start", wish)["id"]
            while ask(port, f"/operation/result/{operation}")["status"] == "pending":
                time.sleep(0.1)
        ask(port, "/prompt/add", {"prompt": "a stork"})
        server.send_signal(signal.SIGTERM)
        assert server.wait() == 0
    return data


def ask(port: int, path: str, body: dict[str, Any] | None = None) -> Any:
    """One question as a frame asks it; the answer's JSON, or None where it has none."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        said = answer.read()
    with contextlib.suppress(ValueError):
        return json.loads(said)
    return None


def keep(data: Path, to: Path) -> None:
    """The folder as text: the journal as SQL, options and prompts as they are. Pictures are made again by the tests."""
    to.mkdir(exist_ok=True)
    with contextlib.closing(sqlite3.connect(data / "journal.sqlite")) as connection:
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        lines = [*connection.iterdump(), f"PRAGMA user_version={found};"]
    (to / "journal.sql").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name in ("prompts.json",):
        (to / name).write_bytes((data / name).read_bytes())


if __name__ == "__main__":
    main()
