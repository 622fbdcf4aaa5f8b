"""A long Markdown document, for the two report programs."""

CHAPTER = """\
# Island {n}

Island {n} lies *north* of [island {m}](#island-{m}); its `harbour` is **deep**.

## Tides

- high water at {h}:00
- low water at {l}:30

> Mind the current.

    depth = {n} * 7
"""


def chapters(count):
    return "\n".join(CHAPTER.format(n=n, m=n + 1, h=n % 24, l=(n + 6) % 24) for n in range(1, count + 1))
