"""The other side of the tests of values: what comes goes back, made anew here."""

import isles
from meeting import back, there

try:
    while True:
        back.put(there.get(timeout=100))
except isles.QueueClosed:
    back.close()
