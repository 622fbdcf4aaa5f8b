"""Written for tally 1, which has a function."""
import os
import time

import tally
from document import chapters

started = time.monotonic()
print(f"tally {tally.__version__} in process {os.getpid()}", flush=True)
for edition in (1, 2, 3):
    counts = tally.tally(chapters(60_000))
    print(f"edition {edition}: {len(counts):,} words, 'island' {counts['island']:,} times", flush=True)
print(f"worked from {started:.3f} to {time.monotonic():.3f}")
