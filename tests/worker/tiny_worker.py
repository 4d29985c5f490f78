"""``python -m tiny_worker``: a worker whose children do the tiny run. Like ``worker.app`` it is imported again in each."""

import sys

from worker.app import main

if __name__ == "__main__":
    sys.exit(main("tiny:execute"))
