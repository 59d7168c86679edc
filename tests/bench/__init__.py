"""Programs that print figures: `python -m tests.bench.bench_crop`. They share what the tests draw."""

import sys
from pathlib import Path

# As pytest does it: what lies in tests/ is imported by its own name.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
