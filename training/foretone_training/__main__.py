"""`python -m foretone_training` is `foretone-train`."""

import sys

from foretone_training.cli import main

sys.exit(main())
