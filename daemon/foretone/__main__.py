"""`python -m foretone` is `foretone`."""

import sys

from foretone.cli import main

sys.exit(main())
