"""`python -m imageserver` is the same as the console script."""

from imageserver.cli import main

if __name__ == "__main__":
    main()
