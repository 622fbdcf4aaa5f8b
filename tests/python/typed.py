"""A program as mypy --strict sees it: what it gets back has types."""

import asyncio
from concurrent.futures import Future

import isles
from isles import aio, interpreters


def square(x: int) -> int:
    return x * x


def use() -> None:
    policy = isles.Policy(read=["/usr"], connect=(80,), rules=["deny open"], observe=True)
    with isles.Interpreter("typed", stdout=isles.CAPTURE, policy=policy) as it:
        number: int = it.call(square, 3)
        job: isles.Job = it.submit(square, number)
        job.cancel()
        text: str = it.output()
        it.within(2.5).exec("print(1)" + text)
        rules: list[str] = [finding.rule * finding.times for finding in it.policy_report().findings]
        text += rules[0]
    with isles.InterpreterPoolExecutor(2) as pool:
        future: Future[int] = pool.submit(square, 3)
        numbers: list[int] = list(pool.map(square, [1, 2, future.result()]))
    queue: isles.Queue = isles.create_queue(len(numbers))
    queue.put(1, timeout=0.5)
    other = interpreters.create()
    other.call_in_thread(square, 2).join()


def inspected() -> int:
    info: isles.ExtensionInfo = isles.inspect_extension("module.so", module="package.module")
    return info.state_size + isles.extension_copies().copies + len(info.init or "")


async def wait() -> int:
    async with await aio.Interpreter.create() as it:
        return await it.call(square, 4)


if __name__ == "__main__":
    use()
    asyncio.run(wait())
