"""A server's folders as the measurements need them: pictures in the store, frames in the options, a certificate."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path

from PIL import Image, ImageDraw
from program import run

PICTURES = 200
SMALL = "small"  # the frame whose pictures have 40 KB at the most
SIZES = tuple(f"size{number}" for number in range(24))  # frames of other sizes, whose pictures are all to be made
_INODES = 1000  # files that many names lead to: one file may have 65,000 names only, and all its names have one date
_BEGINNING = 1_700_000_000

_OPTIONS = f"""\
image_amount_min: 1000000
image_amount_max: 10000000
plugins_dir: plugins
disabled_providers: [atelier]
providers: {{flood-a: {{weight: 0}}, flood-b: {{weight: 0}}}}
frames:
  {SMALL}: {{max_bytes: 40000}}
""" + "".join(
    f"  {name}: {{image_width: {200 + 8 * number}, image_height: {300 + 8 * number}}}\n"
    for number, name in enumerate(SIZES)
)


# A server that was installed has its bytecode beside it. Some machines are told to write none, and would then read the
# sources anew at each start.
AS_INSTALLED = {
    "PYTHONDONTWRITEBYTECODE": "",
    "PYTHONPYCACHEPREFIX": str(Path(__file__).resolve().parents[2] / ".venv" / "bench-bytecode"),
}


def write_options(data: Path) -> None:
    """Options with which no provider is asked unless it is named, in a fresh data folder."""
    shutil.rmtree(data, ignore_errors=True)
    (data / "plugins").mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("flood.py"), data / "plugins")
    (data / "options.yml").write_text(_OPTIONS, encoding="utf-8")


async def make_certificate(data: Path) -> Path:
    """A certificate of the server's own making; the folder it lies in."""
    code, out, err = await run("cert", "--data", str(data), "--name", "localhost", "--ip", "127.0.0.1")
    if code:
        raise RuntimeError(out + err)
    return data.parent / "certs"


def draw_pictures(images: Path, number: int = PICTURES) -> None:
    """Pictures of 1024×1024 with about as much detail as photographs have."""
    images.mkdir(parents=True)
    noise = Image.effect_noise((342, 342), 60).resize((1024, 1024), Image.Resampling.BICUBIC).convert("RGB")
    for index in range(number):
        picture = Image.new("RGB", (1024, 1024), f"hsl({index * 37 % 360}, 60%, 70%)")
        pen = ImageDraw.Draw(picture)
        for step in range(24):
            x, y, radius = (index * 71 + step * 211) % 1024, (index * 53 + step * 149) % 1024, 40 + step * 7
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), f"hsl({(index + step) * 29 % 360}, 70%, 45%)")
        Image.blend(picture, noise, 0.2).save(images / f"picture{index:03}.jpg", quality=90)


def link_pictures(images: Path, number: int) -> None:
    """So many names for one small picture, with up to a thousand dates."""
    images.mkdir(parents=True)
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(file, "JPEG")
    for index in range(min(number, _INODES)):
        path = images / linked(index)
        path.write_bytes(file.getvalue())
        os.utime(path, (_BEGINNING + index, _BEGINNING + index))
    names = [linked(index) for index in range(_INODES)]
    folder = os.open(images, os.O_RDONLY)
    try:
        for index in range(_INODES, number):
            # pathlib would take three times as long, and a million is a minute
            os.link(names[index % _INODES], linked(index), src_dir_fd=folder, dst_dir_fd=folder)
    finally:
        os.close(folder)


def linked(index: int) -> str:
    """The name of one of them."""
    return f"linked{index:07}.jpg"
