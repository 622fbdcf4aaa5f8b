import asyncio

import uvloop


async def talk():
    async def handle(reader, writer):
        writer.write((await reader.readline()).upper())
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def ask(n):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"text %d\n" % n)
        answer = await reader.read()
        writer.close()
        return answer

    assert await asyncio.gather(*(ask(n) for n in range(10))) == [b"TEXT %d\n" % n for n in range(10)]
    assert await asyncio.get_running_loop().run_in_executor(None, lambda: 5) == 5
    await asyncio.sleep(0.001)
    server.close()


def work():
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(talk())
        assert isinstance(runner.get_loop(), uvloop.Loop)
