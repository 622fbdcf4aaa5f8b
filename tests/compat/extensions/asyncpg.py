import asyncio
import uuid

import asyncpg
from asyncpg.pgproto import pgproto


async def refused():
    try:
        await asyncpg.connect(host="127.0.0.1", port=1, timeout=5)
    except OSError:
        return True
    return False


def work():
    number = uuid.uuid4()
    ours = pgproto.UUID(str(number))
    assert ours == number and hash(ours) == hash(number) and isinstance(ours, uuid.UUID)
    for _ in range(1000):
        assert pgproto.UUID(uuid.uuid4().bytes) != ours
    assert asyncpg.protocol.Record.__name__ == "Record" and asyncio.run(refused())
