"""Stands in for curl: serves one file, $SERVED, at one address, $SERVED_AT, to whoever shows the job's token."""

import argparse
import os
import shutil
import sys

flags = argparse.ArgumentParser(allow_abbrev=False)
for name in ("--fail", "--silent", "--show-error", "--location"):
    flags.add_argument(name, action="store_true")
flags.add_argument("--header")
flags.add_argument("--output")
flags.add_argument("address")
asked = flags.parse_args()
if asked.address != os.environ["SERVED_AT"] or asked.header != f"JOB-TOKEN: {os.environ['CI_JOB_TOKEN']}":
    sys.exit(f"curl: (22) The requested URL returned error: 404: {asked.address}")
shutil.copyfile(os.environ["SERVED"], asked.output)
