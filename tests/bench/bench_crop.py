"""What smart cropping keeps, beside a crop of the middle, and what fitting costs.

python -m tests.bench.bench_crop [--photos DIR] [--sheet out.png]
"""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click
from attrs import define
from fitting.pages import NAMES, document
from fitting.scenes import LYING, MEADOW, PANEL, Scene, scenes, share_kept, standing_scenes
from PIL import Image, ImageDraw

from imageserver.fitting import crop, documents, resample, saliency
from imageserver.fitting.glance import glance
from imageserver.fitting.orientation import Orientation
from imageserver.image import fitted
from imageserver.target import FitMode, Render, Target

_TILE = 300, 240  # of the sheet
_ACROSS = 6


@click.command()
@click.option(
    "--photos", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Photographs to crop too."
)
@click.option("--sheet", type=click.Path(path_type=Path, dir_okay=False), help="Write all of them with their windows.")
def main(photos: Path | None, sheet: Path | None) -> None:
    """Print the table of the scenes, what became of pictures without a box, and the costs."""
    tiles = _scenes(scenes(), PANEL) + _scenes(standing_scenes(), LYING)
    click.echo()
    tiles += _others({name: document(name) for name in NAMES} | {"panorama": MEADOW(1800, 400)})
    if photos:
        tiles += _others({path.name: Image.open(path).convert("RGB") for path in sorted(photos.iterdir()) if _is(path)})
    click.echo()
    _costs()
    if sheet:
        _sheet(tiles).save(sheet)
        click.echo(f"\n{sheet}: yellow the smart window, grey the middle, blue the subject")


@define
class _Count:
    """How many subjects were kept."""

    smart: int = 0
    middle: int = 0


def _scenes(drawn: tuple[Scene, ...], panel: tuple[int, int]) -> list[Image.Image]:
    click.echo(f"{len(drawn)} scenes on {panel[0]}x{panel[1]}: % of the subject that is kept")
    click.echo(f"{'':30}{'smart':>8}{'middle':>8}")
    count, tiles = _Count(), []
    for scene in drawn:
        smart, middle = _fit(scene.picture, panel, "smart"), _fit(scene.picture, panel, "crop")
        kept = share_kept(scene.box, smart.box) if smart.size == panel else 0.0  # padding would be cheating
        kept_by_middle = share_kept(scene.box, middle.box)
        count.smart += kept >= 0.95
        count.middle += kept_by_middle >= 0.95
        click.echo(f"{scene.name:30}{kept:8.0%}{kept_by_middle:8.0%}")
        tiles.append(_tile(scene.picture, smart, middle, scene.box))
    click.echo(f"{'at least 95 % kept in':30}{count.smart / len(drawn):8.0%}{count.middle / len(drawn):8.0%}\n")
    return tiles


def _others(pictures: dict[str, Image.Image]) -> list[Image.Image]:
    tiles = []
    for name, picture in pictures.items():
        smart, middle = _fit(picture, PANEL, "smart"), _fit(picture, PANEL, "crop")
        left, top, right, bottom = (round(edge) for edge in smart.box)
        how = f"{left},{top} to {right},{bottom}"
        if smart.size != PANEL:
            how = "whole, between blurred bars" if smart.blurs_bars else "whole, between black bars"
        click.echo(f"{name:30}{how}")
        tiles.append(_tile(picture, smart, middle, None))
    return tiles


def _fit(picture: Image.Image, panel: tuple[int, int], mode: FitMode) -> crop.Fit:
    return crop.fit(
        picture.size, panel, mode=mode, stretch=0.03, focus=None, look=lambda: glance(picture, Orientation())
    )


def _is(path: Path) -> bool:
    return path.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp"}


def _tile(picture: Image.Image, smart: crop.Fit, middle: crop.Fit, box: Any) -> Image.Image:
    marked = picture.copy()
    pen = ImageDraw.Draw(marked)
    line = max(2, picture.width // 150)
    pen.rectangle(middle.box, outline=(150, 150, 150), width=line)
    pen.rectangle(smart.box, outline=(255, 220, 0), width=line)
    if box is not None:
        pen.rectangle(box, outline=(0, 200, 255), width=line)
    marked.thumbnail(_TILE)
    return marked


def _sheet(tiles: list[Image.Image]) -> Image.Image:
    rows = -(-len(tiles) // _ACROSS)
    sheet = Image.new("RGB", (_ACROSS * (_TILE[0] + 8), rows * (_TILE[1] + 8)), (60, 60, 60))
    for number, tile in enumerate(tiles):
        sheet.paste(tile, (number % _ACROSS * (_TILE[0] + 8), number // _ACROSS * (_TILE[1] + 8)))
    return sheet


def _costs() -> None:
    """CPU time of this process, the median of repeated runs."""
    square, phone = _photo((1024, 1024)), _photo((4000, 3000))
    files = {
        "JPEG 1024x1024": _encoded(square, "JPEG", quality=90),
        "PNG 1024x1024": _encoded(square, "PNG"),
        "JPEG 4000x3000": _encoded(phone, "JPEG", quality=90),
    }
    modes: tuple[FitMode, ...] = ("crop", "smart", "pad", "blur-pad")
    efforts: tuple[Render, ...] = ("fast", "panel", "best")
    click.echo(f"{'from the file to 320x480, ms CPU':34}" + "".join(f"{mode:>10}" for mode in modes))
    for name, data in files.items():
        for effort in efforts:
            figures = [_milliseconds(partial(_whole, data, mode, effort)) for mode in modes]
            click.echo(f"{name:26}{effort:8}" + "".join(f"{figure:10.1f}" for figure in figures))
    small = glance(square, Orientation())
    half = small[::2, ::2]
    window = (171.0, 0.0, 853.0, 1024.0)
    steps: dict[str, Callable[[], object]] = {
        "make it small": lambda: glance(square, Orientation()),
        "is it a document": lambda: documents.is_cut(small, 0.67, sideways=True),
        "where the eye goes": lambda: saliency.interest(half),
        "shrink 1024x1024 in light": lambda: resample.resized(square, PANEL, window, sharpen=False),
        "... and sharpen": lambda: resample.resized(square, PANEL, window, sharpen=True),
        "for comparison: Pillow's Lanczos": lambda: square.resize(PANEL, Image.Resampling.LANCZOS, box=window),
    }
    click.echo()
    for name, step in steps.items():
        click.echo(f"{name:34}{_milliseconds(step):10.1f}")


def _whole(data: bytes, mode: FitMode, effort: Render) -> object:
    return fitted(data, Target(width=PANEL[0], height=PANEL[1], fit_mode=mode, render=effort))


def _photo(size: tuple[int, int]) -> Image.Image:
    """About as much detail as a photograph has, so that decoding it costs as much."""
    noise = Image.effect_noise((size[0] // 3, size[1] // 3), 60).resize(size, Image.Resampling.BICUBIC)
    return Image.blend(scenes()[2].picture.resize(size), Image.merge("RGB", [noise] * 3), 0.2)


def _encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def _milliseconds(step: Callable[[], object]) -> float:
    figures = []
    for _ in range(9):
        start = time.process_time()
        step()
        figures.append(time.process_time() - start)
    return statistics.median(figures) * 1000


if __name__ == "__main__":
    main()
