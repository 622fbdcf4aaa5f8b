# The other half of asyncio_queue.py: puts numbers into its queue, which is bounded, and waits for the sum.
import time

import isles

until = time.monotonic() + 60
while True:
    try:
        numbers, answers = isles.find_queue("numbers"), isles.find_queue("answers")
        break
    except LookupError:  # the other program is not there yet; programs that share no host have only this
        assert time.monotonic() < until
        time.sleep(0.001)

words = isles.create_queue(name="last words")
words.put("thanks")
words.close()
for n in range(1000):
    numbers.put(n, timeout=60)
    if n % 100 == 0:
        time.sleep(0.005)  # lets the reader wait
numbers.close()
assert answers.get(timeout=60) == 499500
