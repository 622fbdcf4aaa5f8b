# Run:
#   isles run asyncio_queue.py asyncio_feeder.py
#
# An asyncio program that waits on a queue as it waits on a socket: add_reader() takes the queue, since it has a
# fileno() that is readable exactly while a get would not wait. No thread waits for it, and other tasks go on. Its
# partner, in an interpreter of its own, is asyncio_feeder.py.
import asyncio

import isles


class Reader:
    """Values of a queue, for `async for`. It ends when the queue is closed and drained."""

    def __init__(self, queue):
        self.queue = queue

    def __aiter__(self):
        return self

    async def __anext__(self):
        while True:
            try:
                return self.queue.get_nowait()
            except isles.QueueEmpty:
                await self.readable()
            except isles.QueueClosed:
                raise StopAsyncIteration from None

    async def readable(self):
        loop = asyncio.get_running_loop()
        ready = loop.create_future()
        loop.add_reader(self.queue, ready.set_result, None)
        try:
            await ready
        finally:
            loop.remove_reader(self.queue)


async def tick(count):
    while True:
        count.append(None)
        await asyncio.sleep(0.001)


async def main():
    answers = isles.create_queue(name="answers")
    numbers = isles.create_queue(maxsize=10, name="numbers")  # the feeder looks for this one
    ticks = []
    ticker = asyncio.create_task(tick(ticks))
    total = 0
    async with asyncio.timeout(60):
        async for number in Reader(numbers):
            total += number
        words = isles.find_queue("last words")  # held from now on: the feeder ends when it has its answer
        answers.put(total)
        async for word in Reader(words):
            assert word == "thanks", word
    ticker.cancel()
    print(f"{total}; {len(ticks) > 1 and 'other tasks went on meanwhile'}")
    assert total == 499500 and len(ticks) > 1


asyncio.run(main())
