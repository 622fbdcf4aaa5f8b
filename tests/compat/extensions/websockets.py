import asyncio

from websockets import speedups
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve


async def talk():
    async def echo(connection):
        async for message in connection:
            await connection.send(message[::-1])

    async with serve(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}") as client:
            for size in 1, 200, 70000:
                await client.send(b"ab" * size)
                assert await client.recv() == b"ba" * size


def work():
    assert speedups.apply_mask(b"\0" * 10, b"abcd") == b"abcdabcdab"
    asyncio.run(talk())
