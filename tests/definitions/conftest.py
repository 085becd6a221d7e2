"""Definitions load with the demo's tenants and calendar, in a process-wide home folder."""

import os
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]

# The definitions are built at import, from the environment: it is set before any test module imports them.
os.environ["INVENTRA_HOME"] = tempfile.mkdtemp(prefix="inventra-definitions-")
os.environ["INVENTRA_TENANTS_DIR"] = str(PROJECT / "demo" / "tenants")
os.environ["INVENTRA_FIRST_DAY"] = "2010-12-01"
os.environ["INVENTRA_LAST_DAY"] = "2011-12-09"
