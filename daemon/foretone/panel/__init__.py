"""The web process and its one page."""

import os

# Its matrices are small: threads that share one spin longer than they compute. Before numpy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
