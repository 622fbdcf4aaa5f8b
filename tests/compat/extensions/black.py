import black
import black.linegen


def work():
    assert black.__file__.endswith(".so") and black.linegen.__file__.endswith(".so")
    text = black.format_str("def f( a,b ):\n  return {'a':a,\n 'b':b}\n" * 20, mode=black.Mode())
    assert text.startswith('def f(a, b):\n    return {"a": a, "b": b}\n')
    try:
        black.format_str("def f(:", mode=black.Mode())
    except black.InvalidInput:
        pass
    else:
        raise AssertionError("half a function was formatted")
