"""From a decoded picture to one of exactly the size that a person sees: where to crop, how to shrink, which colours.

Each module does one of these and knows nothing of files, limits or frames; `imageserver.image` puts them together.
"""
