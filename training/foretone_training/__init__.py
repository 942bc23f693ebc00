"""Desktop training: from sessions to a .tflite model with its card inside."""

import os

# Before numpy is loaded, which reads it once. The matrices are small: a second thread wins nothing, takes
# another core, and would let the number of cores decide the last digit of every sum.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
