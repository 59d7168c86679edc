"""What one rendition of a new original costs: the way that the server goes, in this process.

Pictures of 1024×1024 are read from the disk, made and written by `Renditions`. What is imported for the first one is
not counted, nor what the machine does before it has made two.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

from imageserver.pictures.reading import read_original
from imageserver.pictures.renditions import Renditions
from imageserver.target import Render, Target

from .household import draw_pictures
from .machine import Usage
from .rounds import Round

_UNCOUNTED: Final = 2
_COUNTED: Final = 24
_MEASURED: Final[tuple[Render, ...]] = ("fast", "panel")  # the best are made at leisure, after one of these


def measures(folder: Path) -> dict[str, Callable[[], Awaitable[Round]]]:
    """What to measure, by name."""
    draw_pictures(folder, _UNCOUNTED + _COUNTED)
    originals = sorted(folder.iterdir())
    targets = {way: Target(width=320, height=480, render=way) for way in _MEASURED}
    return {f"rendition, {way}": partial(_measure, originals, target) for way, target in targets.items()}


async def _measure(originals: Sequence[Path], target: Target) -> Round:
    with tempfile.TemporaryDirectory(prefix="renditions-") as folder, ThreadPoolExecutor(1) as brush:
        renditions = Renditions(Path(folder), brush)
        spent: list[float] = []
        before, begun = Usage.of([os.getpid()]), time.perf_counter()
        for number, original in enumerate(originals, start=1):
            cpu = time.process_time()
            made = await renditions.get(f"{number}-a-b", target, partial(read_original, original))
            spent.append(1000 * (time.process_time() - cpu))
            if made.path is None or not made.path.is_file():
                raise RuntimeError("the rendition was not kept")
        seconds = time.perf_counter() - begun
        foreign = Usage.of([os.getpid()]).foreign_since(before, seconds)
        await renditions.close()
    counted = spent[_UNCOUNTED:]
    return Round(figures={"cpu_ms": statistics.median(counted), "longest_cpu_ms": max(counted)}, foreign=foreign)
