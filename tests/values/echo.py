"""The other side of the tests of values: what comes goes back, made anew here."""

import isles

there, back = isles.find_queue("there"), isles.find_queue("back")
try:
    while True:
        back.put(there.get())
except isles.QueueClosed:
    back.close()
