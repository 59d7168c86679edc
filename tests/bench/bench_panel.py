"""How near the panel comes to the picture, at which cost.

`python -m tests.bench.bench_panel [--photos DIR] [--sheet PNG]`

Gradients, drawn scenes and twenty pictures of the atelier, and photos where there are some. Every figure is measured on
the model of the frame's decoder; 1 KB is 1000 bytes and every picture is under its budget.
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from attrs import frozen
from PIL import Image

from imageserver.default_plugins.atelier.painting import paint
from imageserver.image import fitted
from imageserver.panel.encoder import Effort, encode
from imageserver.panel.profiles import DEFAULT, profile_called
from imageserver.panel.proof import nearness, stacked, strip
from imageserver.target import Target

from .scenes import GRADIENTS, HEIGHT, SCENES, WIDTH

PROFILE = profile_called(DEFAULT)
BUDGETS: Final = (60_000, 120_000, 250_000)
EFFORTS: Final[tuple[Effort, ...]] = ("fast", "panel", "best")
REPEATED: Final = 5  # runs of which the median counts
PROMPTS: Final = (
    "mountains", "ocean", "forest", "flowers", "stained glass", "tiles", "bauhaus", "bubbles", "marble", "watercolour",
    "origami", "coral", "nebula", "wind", "impasto", "carpet", "mountains at night", "ocean at sunset",
    "forest in winter", "a red rose",
)  # fmt: skip
Encoder = Callable[[Image.Image, int], bytes]


@frozen(kw_only=True)
class Figures:
    """One picture, one way, one budget."""

    group: str
    eye: float  # dB
    detail: float
    pixels: float
    size: int  # bytes
    cpu: float  # ms


def pictures(photos: Path | None) -> Iterator[tuple[str, str, Image.Image]]:
    """Group, name and picture at the panel's size."""
    for draw in GRADIENTS:
        yield "gradients", draw.__name__, draw()
    for draw in SCENES:
        yield "scenes", draw.__name__, draw()
    target = Target(width=WIDTH, height=HEIGHT)
    for seed, prompt in enumerate(PROMPTS):
        yield "atelier", prompt, fitted(paint(prompt, seed, 2 * WIDTH, 2 * HEIGHT).data, target)
    for path in sorted(photos.iterdir()) if photos else ():
        if path.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp"}:
            yield "photos", path.stem, fitted(path.read_bytes(), target)


def ordinary(canvas: Image.Image, max_bytes: int) -> bytes:
    """What servers send: Pillow's best quality that fits, 4:2:0."""
    for quality in range(95, 5, -1):
        out = io.BytesIO()
        canvas.save(out, "JPEG", quality=quality, subsampling="4:2:0")
        if out.tell() <= max_bytes:
            return out.getvalue()
    raise AssertionError("no quality fits")


def made_with(effort: Effort) -> Encoder:
    """The encoder at this effort."""
    return lambda canvas, max_bytes: encode(canvas, PROFILE, max_bytes=max_bytes, effort=effort)


def figures(group: str, canvas: Image.Image, jpeg: bytes, cpu: float) -> Figures:
    """Measured on the model."""
    near = nearness(canvas, jpeg)
    return Figures(group=group, eye=near.eye, detail=near.detail, pixels=near.pixels, size=len(jpeg), cpu=cpu)


def timed(encoder: Encoder, canvas: Image.Image, budget: int, runs: int) -> tuple[bytes, float]:
    """The JPEG, and the median of the process's CPU time in ms."""
    jpeg, times = b"", []
    for _ in range(runs):
        begun = time.process_time()
        jpeg = encoder(canvas, budget)
        times.append(1000 * (time.process_time() - begun))
    return jpeg, statistics.median(times)


def table(title: str, rows: dict[str, dict[int, list[Figures]]]) -> str:
    """One line for each way: the mean of all, and of each group for the eye's figure."""
    groups = list(dict.fromkeys(one.group for one in next(iter(next(iter(rows.values())).values()))))
    lines = [
        f"\n{title}",
        "| way | budget | eye | detail | pixels | KB | CPU ms | " + " | ".join(groups) + " | least |",
    ]
    lines.append("|---" * (8 + len(groups)) + "|")
    for way, budgets in rows.items():
        for budget, found in budgets.items():
            means = [statistics.mean(getattr(one, name) for one in found) for name in ("eye", "detail", "pixels")]
            cells = [f"{mean:.1f}" for mean in means]
            cells.append(f"{statistics.mean(one.size for one in found) / 1000:.0f}")
            cells.append(f"{statistics.mean(one.cpu for one in found):.0f}")
            cells += [f"{statistics.mean(one.eye for one in found if one.group == group):.1f}" for group in groups]
            cells.append(f"{min(one.eye for one in found):.1f}")
            lines.append(f"| {way} | {budget // 1000} KB | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, help="a folder with photos")
    parser.add_argument("--sheet", type=Path, help="where the proof sheet goes (PNG)")
    options = parser.parse_args()
    ways: dict[str, Encoder] = {"ordinary": ordinary, **{effort: made_with(effort) for effort in EFFORTS}}
    rows: dict[str, dict[int, list[Figures]]] = {way: {budget: [] for budget in BUDGETS} for way in ways}
    strips = []
    for group, name, canvas in pictures(options.photos):
        for way, encoder in ways.items():
            for budget in BUDGETS:
                runs = REPEATED if way in ("fast", "panel") else 1
                jpeg, cpu = timed(encoder, canvas, budget, runs)
                rows[way][budget].append(figures(group, canvas, jpeg, cpu))
                if way == "panel" and budget == PROFILE.max_bytes:
                    strips.append(strip(f"{group}: {name}", canvas, jpeg))
    made = {way: found for way, found in rows.items() if way != "ordinary"}
    print(table("Ordinary JPEG (dB; CPU counts its search)", {"ordinary": rows["ordinary"]}))  # noqa: T201
    print(table("Made for the panel (dB; CPU of encode() alone)", made))  # noqa: T201
    if options.sheet:
        stacked(strips).save(options.sheet)


if __name__ == "__main__":
    main()
