"""Written for tally 2, which has a class."""
import os
import time

import tally
from document import chapters

started = time.monotonic()
print(f"tally {tally.__version__} in process {os.getpid()}", flush=True)
for edition in (1, 2, 3):
    top = tally.Tally(chapters(60_000)).top(3)
    print(f"edition {edition}: mostly {', '.join(word for word, _ in top)}", flush=True)
print(f"worked from {started:.3f} to {time.monotonic():.3f}")
