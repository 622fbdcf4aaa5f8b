"""An asyncio service that answers over TCP and computes in interpreters: the event loop never waits for the work, no thread
waits for an answer, and a request that takes too long is stopped.

    python asyncio_service.py            serves, and asks itself a few questions
"""

import asyncio
import math

import isles
from isles import aio


class Service:
    """A few interpreters, each for one request at a time."""

    def __init__(self):
        self.free = asyncio.Queue()

    async def start(self, count):
        for number in range(count):
            self.free.put_nowait(await aio.Interpreter.create(f"service-{number}"))

    async def answer(self, number):
        it = await self.free.get()
        try:
            return str(await it.within(2).call(math.factorial, number))
        except (isles.DeadlineExceeded, ValueError) as error:
            return f"error: {error}"
        finally:
            self.free.put_nowait(it)

    async def serve(self, reader, writer):
        while line := await reader.readline():
            writer.write((await self.answer(int(line)) + "\n").encode())
        writer.close()

    async def stop(self):
        while not self.free.empty():
            await self.free.get_nowait().close()


async def ask(port, number):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{number}\n".encode())
    answer = (await reader.readline()).decode().strip()
    writer.close()
    return answer


async def main():
    service = Service()
    await service.start(2)
    server = await asyncio.start_server(service.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    answers = await asyncio.gather(*(ask(port, number) for number in (5, 10, -1, 20)))
    print(*answers, sep="\n")
    server.close()
    await service.stop()


asyncio.run(main())
