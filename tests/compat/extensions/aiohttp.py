import asyncio

import aiohttp
from aiohttp import web


async def serve():
    async def handle(request):
        return web.json_response({"got": await request.json(), "path": request.path})

    app = web.Application()
    app.router.add_post("/{tail:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession() as session:
        for n in range(5):
            async with session.post(f"http://127.0.0.1:{port}/{n}", json={"n": n}) as response:
                assert await response.json() == {"got": {"n": n}, "path": f"/{n}"}
    await runner.cleanup()


def work():
    from aiohttp import _http_parser, _http_writer  # noqa: F401 (the compiled ones)

    asyncio.run(serve())
