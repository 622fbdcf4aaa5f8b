"""CPU-bound: counts primes. Of the odd numbers, each of the two copies takes every other one, as its own number says."""
import isles

BELOW = 4_000_000
mine = range(2 * isles.number + 3, BELOW, 4)
found = sum(all(n % d for d in range(3, int(n**0.5) + 1, 2)) for n in mine)
print(f"copy {isles.number}: {found:,} primes below {BELOW:,} in {len(mine):,} numbers")
