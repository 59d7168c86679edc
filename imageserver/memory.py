"""Memory that is not needed goes back to the system: a Raspberry Pi has other things to do with it.

glibc keeps what a program has freed, for each thread apart, and takes more and more of what it once gave back for what
it should keep. A server that makes a picture in a while and waits in between would hold 20 MB more for that.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys

# malloc.h of glibc; setting any of them also stops glibc from moving the others by itself
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGE = 1024 * 1024  # bytes; pixels of a picture are larger, and come and go as whole pages
_KEPT = 4 * 1024 * 1024  # bytes of free memory at the end of the heap
_ARENAS = 2  # pools that threads share; one for each of them would keep what each has freed


def keep_small() -> None:
    """Tell glibc what to keep. Before there are threads; elsewhere than on glibc nothing happens."""
    with contextlib.suppress(AttributeError, OSError):
        mallopt = _libc().mallopt
        mallopt(_ARENA_MAX, _ARENAS)
        mallopt(_MMAP_THRESHOLD, _LARGE)
        mallopt(_TRIM_THRESHOLD, _KEPT)


def settle() -> None:
    """Give back what only the start needed. What is there now stays, so it is not looked through for garbage again.

    A full collection of everything that was imported takes 25 ms, and a frame that asks meanwhile waits for it.
    """
    gc.collect()
    gc.freeze()
    with contextlib.suppress(AttributeError, OSError):
        _libc().malloc_trim(0)


def _libc() -> ctypes.CDLL:
    if not sys.platform.startswith("linux"):
        raise OSError("no glibc here")
    return ctypes.CDLL(None)
