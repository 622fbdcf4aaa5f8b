/* Scripts that fail, for error_test.c: what Isles says of each must be what the engine's own python prints. */
#ifndef ISLES_TEST_ERROR_SCRIPTS_H
#define ISLES_TEST_ERROR_SCRIPTS_H

typedef struct script {
    const char *what, *source;
} script;

static const script scripts[] = {
    {"plain", "1 / 0\n"},
    {"functions", "def f(x):\n    return g(x) + 1\ndef g(x):\n    return [x][5]\nf(3)\n"},
    {"cause", "def f():\n    try:\n        {}['k']\n    except KeyError as e:\n"
     "        raise ValueError('no') from e\nf()\n"},
    {"context", "try:\n    {}['k']\nexcept KeyError:\n    [][1]\n"},
    {"context suppressed", "try:\n    {}['k']\nexcept KeyError:\n    raise OSError(2, 'no', 'x') from None\n"},
    {"chain of three",
     "try:\n    try:\n        1 / 0\n    except Exception as e:\n        raise KeyError('a') from e\nexcept KeyError:\n"
     "    raise ValueError\n"},
    {"notes", "e = ValueError('x')\ne.add_note('one')\ne.add_note('two\\nlines')\nraise e\n"},
    {"group",
     "raise ExceptionGroup('all', [ValueError(1), ExceptionGroup('in', [KeyError('k'), OSError(2, 'no')])])\n"},
    {"group with tracebacks and notes",
     "def f(n):\n    try:\n        return 1 / n\n    except Exception as e:\n        e.add_note('note')\n"
     "        return e\n"
     "raise ExceptionGroup('g', [f(0), f('s')]) from ValueError('cause')\n"},
    {"group of very many", "raise ExceptionGroup('wide', [ValueError(i) for i in range(40)])\n"},
    {"group nested deeply",
     "e = ValueError('core')\nfor i in range(14): e = ExceptionGroup('g%d' % i, [e])\nraise e\n"},
    {"SyntaxError of the script", "x = 1\ndef f(:\n    pass\n"},
    {"IndentationError", "def f():\n        x = 1\n    y = 2\n"},
    {"TabError", "if True:\n        x = 1\n\ty = 2\n"},
    {"SyntaxError of other text", "compile('a = (1,\\n  2 3)', 'other.py', 'exec')\n"},
    {"SyntaxError in an f-string", "eval(\"f'{a b}'\")\n"},
    {"unclosed string", "x = 'abc\n"},
    {"null byte", "compile('a\\0b', 'x', 'exec')\n"},
    {"SyntaxError made by hand", "raise SyntaxError('m', ('f.py', 3, 2, 'some text', 3, 5))\n"},
    {"several lines of one expression", "x = [\n    1,\n    (2 +\n     'a'),\n]\n"},
    {"wide characters", "名前 = {'é': 1}; x = '漢字' + 名前['日本語のとても長い名前']\n"},
    {"in a module of the standard library", "import json\njson.loads('{')\n"},
    {"suggestion of a name", "number = 1\nprint(numbr)\n"},
    {"suggestion of an attribute", "class C:\n    value = 1\nC().valeu\n"},
    {"suggestion of a module's name", "from json import load_s\n"},
    {"forgotten import", "math.pi\n"},
    {"forgotten self", "class C:\n    def __init__(self): self.size = 1\n    def f(self): return size\nC().f()\n"},
    {"deep recursion", "import sys\nsys.setrecursionlimit(200)\ndef f(): return f()\nf()\n"},
    {"mutual recursion", "import sys\nsys.setrecursionlimit(200)\ndef f(): g()\ndef g(): f()\nf()\n"},
    {"nested class", "class A:\n    class B(Exception): pass\nraise A.B('x')\n"},
    {"exception of a function", "def f():\n    class Local(Exception): pass\n    raise Local(1, 2)\nf()\n"},
    {"class without a module", "class E(Exception): __module__ = None\nraise E('x')\n"},
    {"empty message", "raise ValueError\n"},
    {"message of several lines", "raise ValueError('a\\nb\\n')\n"},
    {"KeyError", "raise KeyError('it\\'s')\n"},
    {"OSError", "open('/nonexistent/file')\n"},
    {"UnicodeDecodeError", "b'\\xff'.decode()\n"},
    {"AssertionError", "a, b = 1, 2\nassert a == b, ('no', a)\n"},
    {"StopIteration in a generator", "def g(): yield next(iter(()))\nnext(g())\n"},
    {"async", "import asyncio\nasync def f(): await g()\nasync def g(): raise ValueError('x')\nasyncio.run(f())\n"},
    {"TaskGroup",
     "import asyncio\nasync def f():\n    async with asyncio.TaskGroup() as t:\n        t.create_task(g())\n"
     "async def g(): 1 / 0\nasyncio.run(f())\n"},
    {"exec and lambda", "exec('f = lambda: 1 / 0')\nf()\n"},
    {"comprehension", "[1 / x for x in (2, 1, 0)]\n"},
    {"decorator", "def d(f): raise TypeError('d')\n@d\ndef f(): pass\n"},
    {"class body", "class C:\n    x = 1\n    y = x / 0\n"},
    {"with and finally", "import contextlib\nwith contextlib.ExitStack() as s:\n    s.callback(lambda: 1 / 0)\n"
     "    [][0]\n"},
    {"generator's throw", "def g():\n    yield\ni = g(); next(i)\ni.throw(ValueError('thrown'))\n"},
    {"__str__ that raises", "class E(Exception):\n    def __str__(self): raise ValueError\nraise E('x')\n"},
    {"__str__ that exits", "class E(Exception):\n    def __str__(self): raise RuntimeError('no')\nraise E('x')\n"},
    {"__str__ that is no string", "class E(Exception):\n    def __str__(self): return 5\nraise E('x')\n"},
    {"__str__ of a subclass of str",
     "class S(str):\n    def __str__(self): return 'other'\nclass E(Exception):\n"
     "    def __str__(self): return S('x')\nraise E\n"},
    {"notes that are no list", "e = ValueError('x')\ne.__notes__ = 'text'\nraise e\n"},
    {"notes that are a number", "e = ValueError('x')\ne.__notes__ = 5\nraise e\n"},
    {"note that is no string",
     "class N:\n    def __str__(self): raise ValueError\ne = ValueError('x')\ne.__notes__ = [N(), 5, None]\nraise e\n"},
    {"notes that raise",
     "class E(Exception):\n    @property\n    def __notes__(self): raise ValueError('n')\nraise E('x')\n"},
    {"a context that is itself", "a, b = ValueError('a'), ValueError('b')\na.__context__ = b\n"
     "b.__context__ = a\nraise a\n"},
    {"a cause that is itself", "a, b = ValueError('a'), ValueError('b')\na.__cause__ = b\nb.__cause__ = a\nraise a\n"},
    {"a long chain", "e = None\nfor i in range(120):\n    n = ValueError(i)\n    n.__cause__ = e\n    e = n\n"
     "raise e\n"},
    {"warning turned into an error", "import warnings\nwarnings.simplefilter('error')\nwarnings.warn('w')\n"},
    {"SystemExit", "raise SystemExit\n"},
    {"SystemExit(None)", "raise SystemExit(None)\n"},
    {"SystemExit(3)", "import sys; sys.exit(3)\n"},
    {"SystemExit(True)", "raise SystemExit(True)\n"},
    {"SystemExit(-1)", "raise SystemExit(-1)\n"},
    {"SystemExit(256)", "raise SystemExit(256)\n"},
    {"SystemExit('bye')", "raise SystemExit('bye')\n"},
    {"SystemExit(object)", "raise SystemExit(['a', 1])\n"},
    {"SystemExit(1, 2)", "raise SystemExit(1, 2)\n"},
    {"SystemExit whose code is changed", "e = SystemExit(1)\ne.code = 4\nraise e\n"},
    {"SystemExit subclass", "class E(SystemExit): pass\nraise E(6)\n"},
    {"SystemExit in a group", "raise BaseExceptionGroup('g', [SystemExit(3)])\n"},
};
enum { script_count = sizeof scripts / sizeof *scripts };

#endif
