"""asyncio, with children, threads, servers and timeouts."""
import asyncio
import sys


async def serve(reader, writer):
    writer.write((await reader.readline()).upper())
    await writer.drain()
    writer.close()


async def main():
    print(await asyncio.gather(*(asyncio.sleep(0.001 * i, i) for i in range(5))))
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
    writer.write(b"line\n")
    print(await reader.readline())
    writer.close()
    server.close()
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "print(input()[::-1])", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    print(await child.communicate(b"abc\n"), child.returncode)
    print(await asyncio.to_thread(sum, range(10)))
    try:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(100)
    except TimeoutError as error:
        print(type(error))
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(asyncio.sleep(0, i)) for i in range(3)]
    print([task.result() for task in tasks])


asyncio.run(main())
print(asyncio.run(asyncio.sleep(0, "again")))
