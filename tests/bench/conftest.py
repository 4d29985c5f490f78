"""One round is a quick look: the sizes that go with it, where none are named. What is measured then says little."""

from __future__ import annotations

import os

QUICK = {"RUNS": "400", "LANGUAGES": "4", "SOME": "1", "SEEDS": "2"}

if os.environ.get("CROSSLIFT_BENCH_ROUNDS") == "1":
    for name, size in QUICK.items():
        os.environ.setdefault(f"CROSSLIFT_BENCH_{name}", size)
