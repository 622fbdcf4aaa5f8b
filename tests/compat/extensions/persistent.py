import persistent
from persistent import cPersistence, cPickleCache, mapping  # noqa: F401


class Jar:
    def __init__(self):
        self.registered, self.loads = [], 0
        self.cache = cPickleCache.PickleCache(self, 100)

    def register(self, thing):
        self.registered.append(thing)

    def setstate(self, thing):
        self.loads += 1
        thing.__setstate__({"x": 7})


class Thing(persistent.Persistent):
    x = 1


def work():
    jar = Jar()
    for i in range(200):
        thing = Thing()
        thing._p_oid, thing._p_jar = b"%08d" % i, jar
        jar.cache[thing._p_oid] = thing
        thing._p_deactivate()
        assert thing._p_state == -1 and thing.x == 7 and thing._p_state == 0
        thing.x = 8
        assert thing._p_changed and jar.registered[-1] is thing
        thing._p_changed = False
    assert jar.loads == 200 and len(jar.cache) >= 100
    jar.cache.incrgc()
    assert persistent.Persistent is cPersistence.Persistent
