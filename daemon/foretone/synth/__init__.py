"""The audio process: one loop, one thread."""

import os

# Before numpy is loaded: the worker threads of its algebra library would stand beside the loop.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
