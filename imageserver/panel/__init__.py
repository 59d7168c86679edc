"""The frame's panel: what its decoder draws, and the JPEG made for it.

`profiles` has the panels as data and imports neither NumPy nor Pillow. Everything else needs them and is imported
when a picture is made or shown.
"""
