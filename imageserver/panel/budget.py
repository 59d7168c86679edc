"""The finest JPEG of a picture that stays within its bytes."""

from __future__ import annotations

import io
import math
from typing import Final, Literal

from attrs import define, field
from PIL import Image

from imageserver.panel.steps import FINENESS, steps

Sampling = Literal["4:4:4", "4:2:0"]
_SLOPE: Final = 1.2  # log2 of the bytes falls about so much with each doubling of the coarseness
_ENOUGH: Final = 0.97  # of the budget: finer is hardly better


class DoesNotFit(ValueError):
    """Not even the coarsest JPEG allowed has so few bytes."""


def written(image: Image.Image, notch: int, sampling: Sampling, *, optimised: bool = False) -> bytes:
    """A baseline JPEG with these steps. `optimised`: Huffman tables of its own, for twice the time."""
    out = io.BytesIO()
    table = list(steps(notch))
    # Without a `quality`, by which Pillow would scale the tables. One table for both, written twice: the decoder's
    # workspace has room for two.
    image.save(out, "JPEG", subsampling=sampling, optimize=optimised, qtables=[table, table])
    return out.getvalue()


@define
class Search:
    """Looks for the finest notch whose bytes are few enough, and remembers what it tried."""

    image: Image.Image
    sampling: Sampling
    coarsest: int  # notch
    tried: dict[int, bytes] = field(factory=dict)

    def finest(self, most: int, *, guess: int, probes: int) -> int:
        """The notch, found from `guess` with so many probes; more only while nothing fits. Raises DoesNotFit."""
        too_fine, fits = -1, self.coarsest + 1
        notch = min(guess, self.coarsest)
        while fits - too_fine > 1 and (probes > 0 or fits > self.coarsest):
            size = len(self.at(notch))
            if size <= most:
                fits = notch
                if size >= _ENOUGH * most:
                    break
            else:
                too_fine = notch
            probes -= 1
            notch = self._next(most, too_fine, fits) if probes > 0 else (too_fine + fits) // 2
        if fits > self.coarsest:
            raise DoesNotFit(f"{self.image.width}x{self.image.height} pixels do not fit in {most} bytes")
        return fits

    def _next(self, most: int, too_fine: int, fits: int) -> int:
        """Where the budget is met if the logarithm of the bytes falls in a line."""
        if too_fine in self.tried and fits in self.tried:
            over, under = (math.log2(len(self.tried[notch]) / most) for notch in (too_fine, fits))
            notch = round(too_fine + (fits - too_fine) * over / (over - under))
        else:
            known = fits if fits in self.tried else too_fine
            notch = known + round(FINENESS / _SLOPE * math.log2(len(self.tried[known]) / most))
        return min(max(notch, too_fine + 1), fits - 1)

    def at(self, notch: int) -> bytes:
        """The JPEG at this notch."""
        if notch not in self.tried:
            self.tried[notch] = written(self.image, notch, self.sampling)
        return self.tried[notch]

    def best(self, most: int, *, guess: int, probes: int) -> bytes:
        """With Huffman tables of its own, and with the finer steps for which they make room. Raises DoesNotFit."""
        found = self.finest(most, guess=guess, probes=probes)
        room = 2 * self.image.width * self.image.height  # what Pillow gives libjpeg for a whole optimised file
        if found == 0 or len(self.at(found)) > room:
            return self.at(found)
        compact = written(self.image, found, self.sampling, optimised=True)
        roomy = int(most * len(self.at(found)) / len(compact))
        finer = self.finest(roomy, guess=found - 1, probes=2)
        if finer < found and len(self.at(finer)) <= room:
            better = written(self.image, finer, self.sampling, optimised=True)
            if len(better) <= most:
                return better
        return compact
