import cffi


def work():
    ffi = cffi.FFI()
    ffi.cdef("struct point { int x; double y; }; int abs(int); void qsort(void *, size_t, size_t, int (*)(const void *, const void *));")
    libc = ffi.dlopen(None)
    assert libc.abs(-5) == 5
    point = ffi.new("struct point *", {"x": 3, "y": 0.5})
    assert (point.x, point.y, ffi.sizeof("struct point")) == (3, 0.5, 16)
    numbers = ffi.new("int[]", [5, 3, 9, 1])

    @ffi.callback("int(const void *, const void *)")
    def compare(a, b):
        return ffi.cast("int *", a)[0] - ffi.cast("int *", b)[0]

    libc.qsort(numbers, 4, ffi.sizeof("int"), compare)
    assert list(numbers) == [1, 3, 5, 9]
