import lupa


def work():
    lua = lupa.LuaRuntime(unpack_returned_tuples=True)
    assert lua.eval("1 + 2") == 3
    fib = lua.execute("local function f(n) if n < 2 then return n end return f(n-1) + f(n-2) end return f")
    assert fib(15) == 610
    assert lua.eval("function(f, n) return f(n) + 1 end")(lambda x: x * 2, 5) == 11
    table = lua.table(a=1, b=lua.table(2, 3))
    assert table.b[2] == 3 and dict(table)["a"] == 1
    try:
        lua.execute("error('bad')")
    except lupa.LuaError as error:
        assert "bad" in str(error)
    else:
        raise AssertionError("an error was lost")
