"""Says how it was started."""
import sys

spec = __spec__ and (__spec__.name, __spec__.origin, __spec__.submodule_search_locations)
print(__name__, __file__, __package__, spec, sys.argv, sys.path[0])
try:
    from . import sibling
    print(sibling.__name__)
except ImportError as error:
    print(error)
import pickle


class C:
    pass


print(type(pickle.loads(pickle.dumps(C()))).__module__)
