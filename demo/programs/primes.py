"""CPU-bound: counts primes. Of the odd numbers, each of the two copies takes every other one, as its own number says.

At the end it says how often its thread had to wait for something (Linux counts that). With a GIL of its own it never has to; two
interpreters that share one wait for each other hundreds of times."""
import isles

BELOW = 4_000_000


def waits():
    with open("/proc/thread-self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt_switches"))


before = waits()
mine = range(2 * isles.number + 3, BELOW, 4)
found = sum(all(n % d for d in range(3, int(n**0.5) + 1, 2)) for n in mine)
waited = waits() - before
print(f"copy {isles.number}: {found:,} primes below {BELOW:,} in {len(mine):,} numbers, waited {waited} times")
