"""Originals, renditions, rotation, and the choice without repeats. Nobody else writes picture files."""
