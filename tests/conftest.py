"""Every test is at home nowhere: what this machine's owner keeps must neither be seen nor changed."""

import os
import tempfile

os.environ["FORETONE_HOME"] = tempfile.mkdtemp(prefix="foretone-home-")
