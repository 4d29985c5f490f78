"""Imported last by the server that children are forked from, and by nothing else."""

from __future__ import annotations

import atexit
import gc
import os

# When its worker is gone the server is to be gone too: taking torch apart in good order takes seconds.
atexit.register(os._exit, 0)

# Everything loaded so far stays for good: children need not look through it, nor copy its pages by doing so.
gc.freeze()
