"""Work for well-known packages, a few lines each, that goes through their extensions: for probes (probe_script.py) of a module
whose package is named here. Each function imports what it needs, and raises where something is wrong. Nothing is written to
disk, and no network is used.
"""

import io


def _numpy():
    import numpy

    a = numpy.arange(10000, dtype=float).reshape(100, 100)
    assert (a @ numpy.eye(100) == a).all()
    assert round(float(numpy.linalg.det(numpy.diag([1.0, 2.0, 3.0])))) == 6
    assert len(numpy.random.default_rng(1).normal(size=100)) == 100
    assert abs(numpy.fft.ifft(numpy.fft.fft(a[1])) - a[1]).max() < 1e-6


def _pandas():
    import pandas

    frame = pandas.DataFrame({"key": ["a", "b", "a"], "value": [1, 2, 3]})
    assert frame.groupby("key")["value"].sum().to_dict() == {"a": 4, "b": 2}
    assert len(pandas.read_csv(io.StringIO(frame.to_csv()))) == 3
    assert pandas.Timestamp("2026-01-31").month == 1


def _scipy():
    import scipy.linalg

    assert abs(scipy.linalg.inv([[2.0, 0.0], [0.0, 4.0]])[1][1] - 0.25) < 1e-12


def _lxml():
    import lxml.etree

    root = lxml.etree.fromstring(b"<a><b x='1'/><b x='2'/></a>")
    assert root.xpath("sum(//b/@x)") == 3.0
    assert lxml.etree.tostring(root).startswith(b"<a>")


def _yaml():
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    assert yaml.load("a: [1, 2.5, yes]", Loader=loader) == {"a": [1, 2.5, True]}
    assert yaml.dump({"a": 1}, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper)) == "a: 1\n"


def _pil():
    import PIL.Image

    image = PIL.Image.new("RGB", (64, 64), "red").resize((32, 32))
    out = io.BytesIO()
    image.save(out, "PNG")
    assert PIL.Image.open(io.BytesIO(out.getvalue())).getpixel((0, 0)) == (255, 0, 0)


def _cryptography():
    from cryptography.fernet import Fernet

    box = Fernet(Fernet.generate_key())
    assert box.decrypt(box.encrypt(b"text")) == b"text"


def _bcrypt():
    import bcrypt

    assert bcrypt.checkpw(b"word", bcrypt.hashpw(b"word", bcrypt.gensalt(4)))


def _cffi():
    import cffi

    ffi = cffi.FFI()
    ffi.cdef("size_t strlen(const char *);")
    assert ffi.dlopen(None).strlen(ffi.new("char[]", b"four")) == 4


def _msgpack():
    import msgpack

    assert msgpack.unpackb(msgpack.packb({"a": [1, b"x", None]})) == {"a": [1, b"x", None]}


def _orjson():
    import orjson

    assert orjson.loads(orjson.dumps({"a": [1, 2.5, None]})) == {"a": [1, 2.5, None]}


def _ujson():
    import ujson

    assert ujson.loads(ujson.dumps({"a": [1, 2]})) == {"a": [1, 2]}


def _regex():
    import regex

    assert regex.findall(r"\p{Lu}+", "aBCd") == ["BC"]


def _lz4():
    import lz4.frame

    assert lz4.frame.decompress(lz4.frame.compress(b"x" * 1000)) == b"x" * 1000


def _zstandard():
    import zstandard

    assert zstandard.decompress(zstandard.compress(b"x" * 1000)) == b"x" * 1000


def _markupsafe():
    import markupsafe

    assert markupsafe.escape("<a>") == "&lt;a&gt;"


def _pydantic():
    import pydantic

    model = pydantic.create_model("Model", x=(int, ...))
    assert model(x="3").x == 3


def _multidict():
    import multidict

    assert multidict.CIMultiDict(A="1")["a"] == "1"


def _psutil():
    import psutil

    assert psutil.Process().memory_info().rss > 0


def _greenlet():
    import greenlet

    assert greenlet.greenlet(lambda x: x + 1).switch(1) == 2


def _xxhash():
    import xxhash

    assert len(xxhash.xxh64(b"text").hexdigest()) == 16


SMOKE = {
    "PIL": _pil, "_cffi_backend": _cffi, "bcrypt": _bcrypt, "cffi": _cffi, "cryptography": _cryptography, "greenlet": _greenlet,
    "lxml": _lxml, "lz4": _lz4, "markupsafe": _markupsafe, "msgpack": _msgpack, "multidict": _multidict, "numpy": _numpy,
    "orjson": _orjson, "pandas": _pandas, "psutil": _psutil, "pydantic": _pydantic, "pydantic_core": _pydantic,
    "regex": _regex, "scipy": _scipy, "ujson": _ujson, "xxhash": _xxhash, "yaml": _yaml, "zstandard": _zstandard,
}
