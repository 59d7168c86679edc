"""HTTP: what frames, people and programs see."""
