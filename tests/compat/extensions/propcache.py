from propcache import _helpers_c
from propcache.api import cached_property, under_cached_property


class Thing:
    def __init__(self):
        self._cache, self.calls = {}, 0

    @under_cached_property
    def first(self):
        self.calls += 1
        return 5

    @cached_property
    def second(self):
        self.calls += 1
        return 6


def work():
    for _ in range(1000):
        thing = Thing()
        assert thing.first + thing.first + thing.second + thing.second == 22 and thing.calls == 2
    assert under_cached_property is _helpers_c.under_cached_property
