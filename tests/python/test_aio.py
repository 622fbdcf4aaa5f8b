"""isles.aio: coroutines that wait without a thread."""

import asyncio
import threading
import time
import unittest

import isles
import work
from isles import aio


class Coroutines(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.it = await aio.Interpreter.create("aio", stdout=isles.CAPTURE)
        self.addAsyncCleanup(self.it.close)

    async def test_calls(self):
        self.assertEqual(await self.it.call(pow, 2, 10), 1024)
        await self.it.exec("print('said')")
        self.assertEqual(self.it.inner.output(), "said\n")
        with self.assertRaises(work.Odd):
            await self.it.call(work.half, 1)
        for run in self.it.run_module, self.it.run_file:
            with self.assertRaisesRegex(TypeError, "^args is '--x': a list is wanted"):
                await run("this", "--x")

    async def test_many_wait_and_no_thread_does(self):
        before = threading.active_count()
        calls = [asyncio.ensure_future(self.it.call(work.sleep, 0.001)) for _ in range(100)]
        await asyncio.sleep(0.01)
        self.assertEqual(threading.active_count(), before)
        self.assertEqual(len(await asyncio.gather(*calls)), 100)

    async def test_cancelling_stops_the_code(self):
        call = asyncio.ensure_future(self.it.call(work.sleep, 60))
        await asyncio.sleep(0.05)
        call.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await call
        async with asyncio.timeout(30):
            self.assertEqual(await self.it.call(work.square, 3), 9)

    async def test_a_deadline(self):
        with self.assertRaises(isles.DeadlineExceeded):
            await self.it.within(0.05).call(work.sleep, 60)

    async def test_getters_are_served_one_each(self):
        queue = aio.Queue()
        getters = [asyncio.ensure_future(queue.get()) for _ in range(5)]
        await asyncio.sleep(0.01)
        getters[1].cancel()
        await self.it.call(lambda q: [q.put(n) for n in range(4)], queue.inner)
        got = await asyncio.wait_for(asyncio.gather(*getters, return_exceptions=True), 30)
        self.assertEqual(sorted(g for g in got if isinstance(g, int)), [0, 1, 2, 3])
        await queue.put("x")
        self.assertEqual(await queue.get_many(10), ["x"])
        queue.close()
        with self.assertRaises(isles.QueueClosed):
            await queue.get()

    async def test_put_waits_for_room(self):
        queue = aio.Queue(maxsize=1)
        await queue.put(1)
        second = asyncio.ensure_future(queue.put(2))
        await asyncio.sleep(0.02)
        self.assertFalse(second.done())
        self.assertEqual((await queue.get(), await queue.get()), (1, 2))
        await asyncio.wait_for(second, 30)

    async def test_many_wait_for_room_and_no_thread_does(self):
        queue = aio.Queue(maxsize=1)
        await queue.put(0)
        before = threading.active_count()
        puts = [asyncio.ensure_future(queue.put(n)) for n in range(1, 100)]
        await asyncio.sleep(0.01)
        self.assertEqual(threading.active_count(), before)
        puts[49].cancel()  # which was the 50th
        got = [await asyncio.wait_for(queue.get(), 30) for _ in range(99)]
        self.assertEqual(got, [n for n in range(100) if n != 50])
        self.assertTrue(queue.inner.empty())
        queue.inner.put(100)
        late = asyncio.ensure_future(queue.put(101))
        await asyncio.sleep(0.01)
        queue.close()
        with self.assertRaises(isles.QueueClosed):
            await asyncio.wait_for(late, 30)

    async def test_select(self):
        queue = aio.Queue()
        job = self.it.inner.submit(work.sleep, 0.02)
        began = time.monotonic()
        self.assertEqual(await aio.select([queue, job]), [job])
        await queue.put(1)
        self.assertEqual(await aio.select([queue]), [queue])
        self.assertLess(time.monotonic() - began, 30)


if __name__ == "__main__":
    unittest.main()
