"""Where the program begins: `python -m imageserver`, and the console script."""

from __future__ import annotations

import gc
import sys

# What is imported stays, so looking for garbage among it is for nothing: a tenth of the start.
gc.disable()


def run() -> None:
    """The command line."""
    if sys.argv[1:2] == ["healthcheck"]:
        from imageserver.healthcheck import plain_call

        code = plain_call(sys.argv[2:])
        if code is not None:  # otherwise it was typed in another way than containers do
            sys.exit(code)
    from imageserver.cli import main

    gc.enable()
    main()


if __name__ == "__main__":
    run()
