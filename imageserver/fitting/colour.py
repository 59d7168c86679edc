"""Colours as the panel means them: a picture with a profile of its own (Display P3, Adobe RGB) becomes sRGB.

It is done at the frame's size, where it costs a millisecond. Whether a profile changes anything is found by trying it
on a few colours, so sRGB is known under every name, and a profile that makes no sense is left out.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Final

import numpy as np
from PIL import Image, ImageCms

_LARGEST_PROFILE: Final = 4 * 2**20  # bytes; those with tables have one or two million
_SEEN: Final = 2  # levels; a profile that moves every colour by less is sRGB under another name
_NOT_CACHED: Final = 0x0040  # cmsFLAGS_NOCACHE of lcms2.h: a transform is used by several threads


def in_srgb(picture: Image.Image, profile: object) -> Image.Image:
    """An RGB picture in sRGB. `profile` is what Pillow found in the file, None or broken ones included."""
    if not isinstance(profile, bytes) or len(profile) > _LARGEST_PROFILE:
        return picture
    transform = _transform(profile)
    return picture if transform is None else transform.apply(picture)


@lru_cache(maxsize=8)  # a camera has one profile
def _transform(profile: bytes) -> ImageCms.ImageCmsTransform | None:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        transform = ImageCms.ImageCmsTransform(
            source,
            ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")),
            "RGB",
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=_NOT_CACHED | ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        return transform if _is_needed(transform) else None
    except Exception:  # torn, of another kind of device, for CMYK: the picture is shown as its numbers say
        return None


def _is_needed(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether it changes colours at all, and leaves black dark, white bright and the greys in their order."""
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(27, 27, 3)
    changed = np.asarray(transform.apply(Image.fromarray(cube))).astype(int)
    if np.abs(changed - cube).max() <= _SEEN:
        return False
    greys = changed.reshape(9, 9, 9, 3)[range(9), range(9), range(9)]
    return bool(greys[0].max() < 64 and greys[-1].min() > 192 and (np.diff(greys.mean(1)) > 0).all())
