import lazy_object_proxy
from lazy_object_proxy import cext


def work():
    calls = []

    def make():
        calls.append(1)
        return {"a": 1}

    proxy = lazy_object_proxy.Proxy(make)
    assert calls == []
    proxy["b"] = 2
    assert proxy == {"a": 1, "b": 2} and len(calls) == 1 and isinstance(proxy, dict)
    assert lazy_object_proxy.Proxy(lambda: 5) + 3 == 8 and lazy_object_proxy.Proxy is cext.Proxy
