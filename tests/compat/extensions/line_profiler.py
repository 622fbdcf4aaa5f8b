import line_profiler


def slow(n):
    total = 0
    for i in range(n):
        total += i
    return total


def work():
    profile = line_profiler.LineProfiler()
    measured = profile(slow)
    assert measured(100) == 4950
    (lines,) = profile.get_stats().timings.values()
    assert sorted(hits for _, hits, _ in lines) == [1, 1, 100, 101]
