"""What values are made of, for the types that C does not know.

describe() tells what an object is made of, in one of three forms:

    (tag, content)              a CBOR tag (RFC 8949, IANA) over a value
    (name, arguments)           tag 27 [name, argument, ...]
    (name, arguments, state)    tag 27 [name, [arguments], state]; `name` is "module:qualname"

rebuild() makes the object again. A name with a colon needs code: a class or function is imported, or something is
unpickled. Names without one are data. Compiled once, loaded into an interpreter when it is first needed, and kept out of
sys.modules.
"""

import sys

MOST_CACHED = 1000
IN_BAND = 64 * 1024  # smaller buffers of a pickle stay in it

_handlers = {}
_found = {}
_registered = {}
_numpy_failed = False


class NotShareable(Exception):
    """Why an object can't cross; becomes isles.NotShareableError."""


def describe(obj, outside):
    """`outside`: the bytes leave the process, so there are no buffers and no queues."""
    cls = type(obj)
    if outside and cls.__module__ == "numpy" and cls.__name__ == "ndarray":
        return _ndarray_outside(obj)
    handler = _handlers.get(cls)
    if handler is None:
        handler = _find_handler(cls)
        if len(_handlers) >= MOST_CACHED:
            _handlers.clear()
        _handlers[cls] = handler
    if outside and handler is _pickle:
        return _pickle_outside(obj)
    return handler(obj)


def rebuild(name, args):
    """`name` is an object's, or False for (tag, content), True for (object, state)."""
    if name is False:
        return _make_tagged(*args)
    if name is True:
        return _fill(*args)
    maker = _makers.get(name)
    if maker is not None:
        return maker(*args)
    if ":" in name:
        return _make_instance(name, args)
    raise ValueError(f"an object named {name!r} has no meaning here")


def _find_handler(cls):
    handler = _by_name.get(f"{cls.__module__}.{cls.__qualname__}")
    if handler is not None:
        return handler
    if issubclass(cls, BaseException):
        return _exception if _reduces_as(cls, BaseException) else _pickle
    if issubclass(cls, type):
        return _by_qualified_name
    enum = sys.modules.get("enum")
    if enum is not None and issubclass(cls, enum.Enum):
        return _enum_member
    if issubclass(cls, tuple) and hasattr(cls, "_fields") and _reduces_as_named_tuple(cls):
        return _named_tuple
    return _instance if _is_plain(cls) else _pickle


# --- names ------------------------------------------------------------------------------------------------------------


def _name_of(obj):
    """module:qualname, where that leads back to the object."""
    module, qualname = getattr(obj, "__module__", None), getattr(obj, "__qualname__", obj.__name__)
    if module is None or "<" in qualname:
        raise NotShareable(f"{qualname} can't be found by its name in a module")
    name = f"{module}:{qualname}"
    try:
        found = _look_up(module, qualname)
    except (ImportError, AttributeError):
        found = None
    if found is not obj:
        raise NotShareable(f"{name} is not what is found under that name")
    return name


def _look_up(module, qualname):
    found = sys.modules.get(module)
    if found is None:
        import importlib

        found = importlib.import_module(module)
    for part in qualname.split("."):
        found = getattr(found, part)
    return found


def _find(name):
    found = _found.get(name)
    if found is None:
        module, _, qualname = name.partition(":")
        try:
            found = _look_up(module, qualname)
        except AttributeError as error:
            if module == "__main__":  # the sender's is a script that isn't run again here
                error.args = (f"{error}: {qualname} is a class of __main__: put it into a module",)
            raise
        if module != "__main__":  # whose names change as the program runs
            if len(_found) >= MOST_CACHED:
                _found.clear()
            _found[name] = found
    return found


def _by_qualified_name(obj):
    return ":global", (_name_of(obj),)


# --- instances --------------------------------------------------------------------------------------------------------


def _reduces_as(cls, builtin):
    """Pickling is left to what the built-in base does."""
    for c in cls.__mro__:
        if c.__module__ == "builtins":
            return issubclass(c, builtin)
        if {"__reduce__", "__reduce_ex__", "__getstate__", "__setstate__"} & vars(c).keys():
            return False
    return False


def _reduces_as_named_tuple(cls):
    return (
        cls.__reduce_ex__ is object.__reduce_ex__
        and cls.__reduce__ is object.__reduce__
        and "__dict__" not in dir(cls)
        and not hasattr(cls, "__setstate__")
    )


def _is_plain(cls):
    """A class written in Python whose objects are their attributes, and that leaves pickling as it is."""
    if cls.__reduce_ex__ is not object.__reduce_ex__ or cls.__reduce__ is not object.__reduce__:
        return False
    own = {"__getstate__": object.__getstate__, "__setstate__": None}
    if hasattr(cls, "__dataclass_fields__"):
        import dataclasses

        own["__getstate__"] = getattr(dataclasses, "_dataclass_getstate", None), object.__getstate__
        own["__setstate__"] = getattr(dataclasses, "_dataclass_setstate", None), None
    for name, expected in own.items():
        found = getattr(cls, name, None)
        if found not in (expected if isinstance(expected, tuple) else (expected,)):
            return False
    if hasattr(cls, "__getnewargs__") or hasattr(cls, "__getnewargs_ex__"):
        return False
    copyreg = sys.modules.get("copyreg")
    if copyreg is not None and cls in copyreg.dispatch_table:
        return False
    return all("__static_attributes__" in vars(c) for c in cls.__mro__ if c is not object)


def _slots_of(cls):
    names = []
    for c in cls.__mro__:
        slots = vars(c).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name in ("__dict__", "__weakref__"):
                continue
            if name.startswith("__") and not name.endswith("__"):
                name = f"_{c.__name__.lstrip('_')}{name}"
            names.append(name)
    return names


def _instance(obj):
    cls = type(obj)
    state = dict(obj.__dict__) if hasattr(obj, "__dict__") else {}
    for name in _slots_of(cls):
        try:
            state[name] = object.__getattribute__(obj, name)
        except AttributeError:
            pass  # not set
    return _name_of(cls), (), state


def _named_tuple(obj):
    return _name_of(type(obj)), tuple(tuple.__iter__(obj)), None


def _enum_member(obj):
    cls = type(obj)
    if cls.__members__.get(obj._name_) is obj:
        return ":enum", (_name_of(cls), obj._name_)
    return ":flags", (_name_of(cls), obj._value_)  # several flags at once


def _exception(exc):
    reduced = exc.__reduce__()
    attributes = reduced[2] if len(reduced) > 2 and reduced[2] else None
    state = None
    if attributes or exc.__cause__ is not None or exc.__context__ is not None or exc.__suppress_context__:
        state = [attributes and dict(attributes), exc.__cause__, exc.__context__, exc.__suppress_context__]
    return _name_of(type(exc)), reduced[1], state


def _builtin_base(cls):
    return next(c for c in cls.__mro__ if c.__module__ == "builtins")


def _make_instance(name, args):
    cls = _find(name)
    if not isinstance(cls, type):
        raise TypeError(f"{name} is no class")
    if issubclass(cls, BaseException):
        obj = cls.__new__(cls, *args)
        _builtin_base(cls).__init__(obj, *args)  # its own __init__ may want other arguments than it keeps in args
        return obj
    if issubclass(cls, tuple):
        return tuple.__new__(cls, args)
    return cls.__new__(cls)


def _fill(obj, state):
    if not state:
        return obj
    if type(obj) is type(_fill):
        _fill_main_function(state)
    elif isinstance(obj, BaseException):
        attributes, obj.__cause__, obj.__context__, obj.__suppress_context__ = state
        if attributes:
            _set_exception_attributes(obj, attributes)
    elif not _slots_of(type(obj)):
        obj.__dict__.update(state)
    else:
        for name, value in state.items():
            object.__setattr__(obj, name, value)
    return obj


def _set_exception_attributes(exc, attributes):
    _builtin_base(type(exc)).__setstate__(exc, attributes)


# --- what the user registered ------------------------------------------------------------------------------------------


def register(cls, encode, decode):
    if not isinstance(cls, type) or not callable(encode) or not callable(decode):
        raise TypeError("register(cls, encode, decode): a class and two functions")
    name = _name_of(cls)
    _registered[name] = decode
    _handlers[cls] = _by_name[f"{cls.__module__}.{cls.__qualname__}"] = lambda obj: (":registered", (name, encode(obj)))


def _make_registered(name, value):
    decode = _registered.get(name)
    if decode is None:
        _find(name)  # its module may register it
        decode = _registered.get(name)
    if decode is None:
        raise LookupError(f"{name}: isles.register() was not called for it in this interpreter")
    return decode(value)


# --- functions ----------------------------------------------------------------------------------------------------------


def _function(function):
    """By its name, so that it is imported; by its code where it has none that others can find. What a function of
    __main__ finds among its globals goes with it: the script isn't run again for it."""
    if function.__module__ != "__main__":
        try:
            return ":global", (_name_of(function),)
        except NotShareable:
            pass
    if function.__closure__:
        raise NotShareable(f"{function.__qualname__} is a closure; only a function without cells crosses by its code")
    data, names = _code_of(function.__code__)
    arguments = (data, function.__name__, function.__qualname__, function.__defaults__, function.__kwdefaults__,
                 function.__doc__)
    if not names:
        return ":function", arguments
    if function.__module__ != "__main__":
        raise NotShareable(f"{function.__qualname__} uses the global {names[0]}; only a function of __main__ takes its"
                           " globals along")
    return "isles:main_function", (*arguments, getattr(sys.modules["__main__"], "__file__", None)), _globals_of(function, names)


_codes = {}  # by code object: its bytes, and the globals that it names; by bytes: the code object


def _code_of(code):
    known = _codes.get(code)
    if known is None:
        import marshal

        if len(_codes) >= MOST_CACHED:
            _codes.clear()
        names = sorted(_global_names(code) - (vars(sys.modules["builtins"]).keys() - {"__name__", "__file__"}))
        known = _codes[code] = marshal.dumps(code), names
    return known


def _global_names(code):
    import dis

    names = {i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "STORE_GLOBAL", "DELETE_GLOBAL")}
    for constant in code.co_consts:
        if isinstance(constant, type(code)):
            names |= _global_names(constant)
    return names


def _globals_of(function, names):
    """name -> (kind, value): a module by its name, or a value and which it is."""
    found = {}
    for name in names:
        value = function.__globals__.get(name, _nothing)
        if value is _nothing or name in ("__name__", "__file__"):
            continue
        if type(value) is type(sys):
            found[name] = "module", value.__name__
        else:
            found[name] = None if type(value) in _unchanging else id(value), value
    return found


_nothing = object()
_unchanging = frozenset((type(None), bool, int, float, complex, str, bytes))


def _make_function(code, name, qualname, defaults, kwdefaults, doc):
    return _function_in(sys.modules["__main__"].__dict__, code, name, qualname, defaults, kwdefaults, doc)


def _function_in(namespace, data, name, qualname, defaults, kwdefaults, doc):
    code = _codes.get(data)
    if code is None:
        import marshal

        if len(_codes) >= MOST_CACHED:
            _codes.clear()
        code = _codes[data] = marshal.loads(data)
    function = type(_make_function)(code, namespace, name, defaults)
    function.__qualname__, function.__kwdefaults__, function.__doc__ = qualname, kwdefaults, doc
    function.__module__ = "__main__"
    return function


# Where functions of another interpreter's __main__ live here: their globals, and which values those were when they came. A
# global that the code here has changed stays as it is, until the sender's own is another.
_visiting = {"__name__": "<fake __main__>"}
_came = {}


def _make_main_function(*arguments):
    *rest, file = arguments
    if file is not None:
        _visiting["__file__"] = file
    return _function_in(_visiting, *rest)


def _fill_main_function(state):
    for name, (which, value) in state.items():
        if which == "module":
            import importlib

            _visiting[name] = importlib.import_module(value)
            continue
        came = which, value if which is None else None
        if _came.get(name) != came or type(_came[name][1]) is not type(came[1]):
            _came[name] = came
            _visiting[name] = value


def _builtin_function(function):
    owner = function.__self__
    if owner is None or type(owner) is type(sys):
        return _by_qualified_name(function)
    return ":method", (owner, function.__name__)


# --- pickles ------------------------------------------------------------------------------------------------------------


def _pickle(obj):
    if not pickles():
        raise NotShareable("it has no encoding, and pickling is turned off")
    import pickle

    buffers = []

    def keep(buffer):
        with buffer.raw() as raw:
            if raw.nbytes < IN_BAND:
                return True
        buffers.append(lend(buffer)[0])
        return False

    data = _pickled(obj, pickle, keep)
    return ":pickle", (data, buffers)


def _pickle_outside(obj):
    if not pickles():
        raise NotShareable("it has no encoding, and pickling is turned off")
    import pickle

    return ":pickle", (_pickled(obj, pickle, None), [])


def _pickled(obj, pickle, keep):
    try:
        return pickle.dumps(obj, 5, buffer_callback=keep)
    except Exception as e:
        text = str(e)
        cls = type(obj)
        own = [f"cannot pickle '{name}' object" for name in (cls.__qualname__, f"{cls.__module__}.{cls.__qualname__}")]
        raise NotShareable("" if text in own else text) from None


def _unpickle(data, buffers):
    if not pickles():
        raise ValueError("a pickle, and pickling is turned off")
    import pickle

    try:
        return pickle.loads(data, buffers=buffers)
    except AttributeError as error:
        if any(text in str(error) for text in ("on <module '__main__'", "module '__main__' has no")):  # 3.13; since 3.14
            error.args = (f"{error}: what others are to find belongs into a module",)
        raise


# --- data ---------------------------------------------------------------------------------------------------------------


def _range(r):
    return "range", (r.start, r.stop, r.step)


def _slice(s):
    return "slice", (s.start, s.stop, s.step)


def _decimal(d):
    sign, digits, exponent = d.as_tuple()
    mantissa = int("".join(map(str, digits)) or "0")
    if isinstance(exponent, str):
        kind = {"F": 2, "n": 4, "N": 6}[exponent] + sign
        return 268, [0, 0 if exponent == "F" else mantissa, kind]
    if sign and not mantissa:
        return 268, [exponent, 0, 1]
    return 4, [exponent, -mantissa if sign else mantissa]


def _make_decimal(content):
    from decimal import Decimal

    exponent, mantissa = content
    return Decimal((mantissa < 0, _digits(abs(mantissa)), exponent))


def _make_extended_decimal(content):
    from decimal import Decimal

    exponent, mantissa, kind = content
    exponent = (exponent, "F", "n", "N")[kind >> 1]
    digits = _digits(mantissa) if mantissa or kind < 2 else (0,) if kind < 4 else ()
    return Decimal((kind & 1, digits, exponent))


def _digits(number):
    """Of any size: str() has a limit."""
    if number < 10**4000:
        return tuple(map(int, str(number)))
    import decimal

    with decimal.localcontext(decimal.Context(prec=decimal.MAX_PREC)):
        return decimal.Decimal(number).as_tuple().digits


def _fraction(f):
    return 30, [f.numerator, f.denominator]


def _make_fraction(content):
    from fractions import Fraction

    return Fraction(*content)


def _uuid(u):
    return 37, u.bytes


def _make_uuid(content):
    from uuid import UUID

    return UUID(bytes=content)


def _path(p):
    return "path", (type(p).__name__, str(p))


def _make_path(kind, text):
    import pathlib

    if kind not in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"):
        raise ValueError(f"no path: {kind}")
    return getattr(pathlib, kind)(text)


def _pattern(p):
    import re

    if isinstance(p.pattern, str) and p.flags == re.UNICODE:
        return 35, p.pattern
    return "pattern", (p.pattern, p.flags)


def _make_pattern(pattern, flags=0):
    import re

    return re.compile(pattern, flags)


def _address(a):
    return (52 if a.version == 4 else 54), (a.packed if not getattr(a, "scope_id", None) else [a.packed, None, a.scope_id])


def _network(n):
    return (52 if n.version == 4 else 54), [n.prefixlen, n.network_address.packed.rstrip(b"\0")]


def _interface(i):
    if getattr(i, "scope_id", None):
        return 54, [i.packed, i.network.prefixlen, i.scope_id]
    return (52 if i.version == 4 else 54), [i.packed, i.network.prefixlen]


def _make_ip(content, version):
    import ipaddress

    size, kind = (4, "IPv4") if version == 4 else (16, "IPv6")
    if isinstance(content, bytes):
        return getattr(ipaddress, kind + "Address")(content)
    first, second, *zone = content
    if isinstance(first, int):
        return getattr(ipaddress, kind + "Network")((second.ljust(size, b"\0"), first))
    text = str(getattr(ipaddress, kind + "Address")(first)) + "".join(f"%{z}" for z in zone)
    if second is None:
        return getattr(ipaddress, kind + "Address")(text)
    return getattr(ipaddress, kind + "Interface")(f"{text}/{second}")


def _make_old_ip(content):
    """Tag 260, before RFC 9164."""
    import ipaddress

    return ipaddress.ip_address(content)


def _make_old_network(content):
    """Tag 261."""
    import ipaddress

    (address, prefix), = content.items()
    return ipaddress.ip_network((address, prefix), strict=False)


# --- dates and times ------------------------------------------------------------------------------------------------------


def _datetime(d):
    zone = d.tzinfo
    if type(zone).__qualname__ == "timezone" and type(zone).__module__ == "datetime" and not d.fold:
        unnamed = len(zone.__getinitargs__()) == 1
        if unnamed and not d.utcoffset().seconds % 60 and not d.utcoffset().microseconds:
            return 0, d.isoformat()
    return "datetime", (d.year, d.month, d.day, d.hour, d.minute, d.second, d.microsecond, d.fold, zone)


def _make_datetime(year, month, day, hour, minute, second, microsecond, fold, zone):
    import datetime

    return datetime.datetime(year, month, day, hour, minute, second, microsecond, zone, fold=fold)


def _make_datetime_from_text(text):
    import datetime

    return datetime.datetime.fromisoformat(text)


def _make_datetime_from_seconds(seconds):
    import datetime

    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)


def _date(d):
    return 1004, d.isoformat()


def _make_date(text):
    import datetime

    return datetime.date.fromisoformat(text)


def _make_date_from_days(days):
    import datetime

    return datetime.date(1970, 1, 1) + datetime.timedelta(days)


def _time(t):
    return "time", (t.hour, t.minute, t.second, t.microsecond, t.fold, t.tzinfo)


def _make_time(hour, minute, second, microsecond, fold, zone):
    import datetime

    return datetime.time(hour, minute, second, microsecond, zone, fold=fold)


def _timedelta(d):
    return "timedelta", (d.days, d.seconds, d.microseconds)


def _make_timedelta(days, seconds, microseconds):
    import datetime

    return datetime.timedelta(days, seconds, microseconds)


def _timezone(z):
    offset, *name = z.__getinitargs__()
    return "timezone", (offset.days, offset.seconds, offset.microseconds, *name)


def _make_timezone(days, seconds, microseconds, *name):
    import datetime

    offset = datetime.timedelta(days, seconds, microseconds)
    return datetime.timezone(offset, *name) if offset or name else datetime.timezone.utc


def _zoneinfo(z):
    return ("zoneinfo", (z.key,)) if z.key else _pickle(z)


def _make_zoneinfo(key):
    import zoneinfo

    return zoneinfo.ZoneInfo(key)


# --- arrays (RFC 8746) -----------------------------------------------------------------------------------------------------

_TYPED = {"B": 64, "H": 69, "I": 70, "Q": 71, "b": 72, "h": 77, "i": 78, "q": 79, "f": 85, "d": 86}  # little-endian
_NUMPY_TYPED = {"u1": 64, "u2": 69, "u4": 70, "u8": 71, "i1": 72, "i2": 77, "i4": 78, "i8": 79, "f2": 84, "f4": 85, "f8": 86}
_ARRAY_CODES = {64: "B", 65: "H", 66: "I", 67: "Q", 68: "B", 69: "H", 70: "I", 71: "Q", 72: "b", 73: "h", 74: "i", 75: "q",
                77: "h", 78: "i", 79: "q", 81: "f", 82: "d", 85: "f", 86: "d"}
_BIG_ENDIAN = (65, 66, 67, 73, 74, 75, 81, 82)
_FORMATS = {"b1": "?", "i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I", "i8": "q", "u8": "Q", "f2": "e",
            "f4": "f", "f8": "d"}


def _array(a):
    tag = _TYPED.get(a.typecode)
    if tag is None or sys.byteorder != "little":
        return "array", (a.typecode, a.tobytes())
    return tag, a.tobytes()


def _make_array(typecode, data):
    import array

    made = array.array(typecode)
    made.frombytes(data)
    return made


def _make_halves(content, tag):
    """binary16, for which array.array has no code."""
    numpy = _numpy()
    if numpy is not None:
        return numpy.frombuffer(content, ">f2" if tag == 80 else "<f2")
    if (tag == 80) == (sys.byteorder == "little"):
        swapped = _make_array("H", content)
        swapped.byteswap()
        content = swapped.tobytes()
    return memoryview(content).cast("e")


def _make_typed(content, tag):
    if tag in (80, 84):
        return _make_halves(content, tag)
    made = _make_array(_ARRAY_CODES[tag], content)
    if (tag in _BIG_ENDIAN) == (sys.byteorder == "little"):
        made.byteswap()
    return made


def _numpy():
    """The module, or None where it isn't or can't be loaded. Trying once is enough."""
    global _numpy_failed
    numpy = sys.modules.get("numpy")
    if numpy is None and not _numpy_failed:
        try:
            import numpy
        except ImportError:
            _numpy_failed = True
    return numpy


def _ndarray(a):
    kind = a.dtype.kind
    if kind not in "biufcmM":
        return _pickle(a)
    try:
        memory, offset = lend(a.view("i8") if kind in "mM" else a)
    except (BufferError, ValueError):  # a long double in the other byte order
        return _ndarray_packed(a)
    return "ndarray", (memory, a.dtype.str, list(a.shape), list(a.strides), offset)


def _ndarray_outside(a):
    """Typed arrays, in rows (tag 40) or columns (tag 1040), where there is one for the type."""
    tag = _NUMPY_TYPED.get(a.dtype.str[1:])
    if tag is None or sys.byteorder != "little":
        return _ndarray_packed(a)
    columns = a.flags.f_contiguous and not a.flags.c_contiguous
    little = a if a.dtype.str[0] in "<|" else a.astype(a.dtype.newbyteorder("<"))
    typed = _Tagged(tag, little.tobytes("F" if columns else "C"))
    return 1040 if columns else 40, [list(a.shape), typed]


def _ndarray_packed(a):
    if a.dtype.kind not in "biufcmM":
        return _pickle_outside(a)
    strides, step = [], a.dtype.itemsize
    for size in reversed(a.shape):
        strides.insert(0, step)
        step *= size
    return "ndarray", (a.tobytes(), a.dtype.str, list(a.shape), strides, 0)


class _Tagged:
    """A tag over something, inside what describe() returns."""

    __slots__ = ("tag", "content")

    def __init__(self, tag, content):
        self.tag, self.content = tag, content


def _make_ndarray(memory, dtype, shape, strides, offset):
    numpy = _numpy()
    if numpy is not None:
        return numpy.ndarray(tuple(shape), numpy.dtype(dtype), memory, offset, tuple(strides))
    code = _FORMATS.get(dtype[1:])
    if code is None:
        raise ValueError(f"an array of {dtype}, and NumPy can't be imported here")
    return make_memoryview((memory, ">" + code if dtype[0] == ">" else code, shape, strides, offset))


def _make_multi_dimensional(content, order):
    shape, typed = content
    numpy = _numpy()
    if numpy is not None:
        return numpy.array(typed).reshape(tuple(shape), order=order)
    if order == "F" and len(shape) > 1:
        raise ValueError("an array in columns, and NumPy can't be imported here")
    view = memoryview(typed)
    return view.cast("B").cast(view.format, tuple(shape))


def _make_memoryview(data, format, shape, strides, offset):
    """Of bytes, which left the process as such."""
    return make_memoryview((wrap(data), format, shape, strides, offset))


# --- tables -------------------------------------------------------------------------------------------------------------------


def _make_tagged(tag, content):
    maker = _tags.get(tag)
    if maker is not None:
        return maker(content)
    if tag in _ARRAY_CODES or tag in (80, 84):
        return _make_typed(content, tag)
    raise ValueError(f"tag {tag} has no meaning here")


_tags = {
    0: _make_datetime_from_text,
    1: _make_datetime_from_seconds,
    4: _make_decimal,
    30: _make_fraction,
    35: _make_pattern,
    37: _make_uuid,
    40: lambda content: _make_multi_dimensional(content, "C"),
    52: lambda content: _make_ip(content, 4),
    54: lambda content: _make_ip(content, 6),
    100: _make_date_from_days,
    260: _make_old_ip,
    261: _make_old_network,
    268: _make_extended_decimal,
    1004: _make_date,
    1040: lambda content: _make_multi_dimensional(content, "F"),
}

_by_name = {
    "builtins.range": _range,
    "builtins.slice": _slice,
    "builtins.ellipsis": lambda obj: ("Ellipsis", ()),
    "builtins.NotImplementedType": lambda obj: ("NotImplemented", ()),
    "builtins.function": _function,
    "builtins.builtin_function_or_method": _builtin_function,
    "builtins.type": _by_qualified_name,
    "isles._value_types._Tagged": lambda obj: (obj.tag, obj.content),
    "decimal.Decimal": _decimal,
    "fractions.Fraction": _fraction,
    "uuid.UUID": _uuid,
    "re.Pattern": _pattern,
    "datetime.datetime": _datetime,
    "datetime.date": _date,
    "datetime.time": _time,
    "datetime.timedelta": _timedelta,
    "datetime.timezone": _timezone,
    "zoneinfo.ZoneInfo": _zoneinfo,
    "array.array": _array,
    "numpy.ndarray": _ndarray,
}
for _module in ("pathlib", "pathlib._local"):  # 3.13 has them there
    for _kind in ("PosixPath", "WindowsPath", "PurePosixPath", "PureWindowsPath"):
        _by_name[f"{_module}.{_kind}"] = _path
for _kind in ("4", "6"):
    _by_name[f"ipaddress.IPv{_kind}Address"] = _address
    _by_name[f"ipaddress.IPv{_kind}Network"] = _network
    _by_name[f"ipaddress.IPv{_kind}Interface"] = _interface

_makers = {
    "range": range,
    "slice": slice,
    "Ellipsis": lambda: Ellipsis,
    "NotImplemented": lambda: NotImplemented,
    "path": _make_path,
    "pattern": _make_pattern,
    "datetime": _make_datetime,
    "time": _make_time,
    "timedelta": _make_timedelta,
    "timezone": _make_timezone,
    "zoneinfo": _make_zoneinfo,
    "array": _make_array,
    "ndarray": _make_ndarray,
    "memoryview": _make_memoryview,
    ":global": _find,
    ":enum": lambda name, member: _find(name)[member],
    ":flags": lambda name, value: _find(name)(value),
    ":function": _make_function,
    "isles:main_function": _make_main_function,
    ":method": lambda owner, name: getattr(owner, name),
    ":pickle": _unpickle,
    ":registered": _make_registered,
}
