import wrapt
from wrapt import _wrappers


@wrapt.decorator
def doubled(wrapped, instance, args, kwargs):
    return 2 * wrapped(*args, **kwargs)


class Thing:
    @doubled
    def method(self, x):
        return x + 1

    @doubled
    @classmethod
    def of_class(cls, x):
        return x


def work():
    assert Thing().method(4) == 10 and Thing.of_class(3) == 6
    proxy = wrapt.ObjectProxy([1, 2])
    proxy.append(3)
    assert proxy == [1, 2, 3] and len(proxy) == 3 and isinstance(proxy, list)
    assert wrapt.ObjectProxy.__mro__ and issubclass(wrapt.ObjectProxy, _wrappers.ObjectProxy)
