/* Targets of calls: what the last one left behind must never be taken for what the name means now. */
#include "support.h"

static isle_interp it;

static int64_t call(const char *target)
{
    isle_error *err = NULL;
    isle_value *result = NULL;
    int64_t number = 0;
    check_status(isle_interp_call(it, target, NULL, SOON, &result, &err), ISLE_OK, err);
    check(isle_value_as_int64(result, &number));
    isle_value_free(result);
    return number;
}

static void check_fails(const char *target, const char *type)
{
    isle_error *err = NULL;
    check(isle_interp_call(it, target, NULL, SOON, NULL, &err) == ISLE_ERR_PYTHON);
    if (strcmp(isle_exception_type(isle_error_exception(err)), type) != 0) {
        fprintf(stderr, "%s: %s\n", target, isle_error_text(err));
        check(false);
    }
    isle_error_free(err);
}

static void test_a_function_that_was_rebound(void **state)
{
    (void)state;
    run(it, "def f(): return 1");
    check(call("__main__:f") == 1);
    run(it, "def f(): return 2");
    check(call("__main__:f") == 2);
    run(it, "del f");
    check_fails("__main__:f", "AttributeError");
}

/* Where a name was found last is looked at first: see src/engine/lookup.c. */
static void test_a_function_whose_place_changes(void **state)
{
    (void)state;
    run(it, "def f(): return 1");
    check(call("__main__:f") == 1);
    run(it, "del f\nother = lambda: 5\ndef f(): return 2");
    check(call("__main__:f") == 2);
    run(it, "def again(g, kept):\n    g.clear()\n    g.update(kept)\nagain(globals(), {**globals(), 'f': lambda: 3})");
    check(call("__main__:f") == 3);
    run(it, "for i in range(1000): globals()[f'x{i}'] = lambda: 6");
    check(call("__main__:f") == 3);
    run(it, "for i in range(1000): del globals()[f'x{i}']\nfor i in range(1000): globals()[str(i)] = lambda: 7");
    check(call("__main__:f") == 3);
    run(it, "globals()[1] = 2\nf = lambda: 4"); /* a key that is no str: another kind of table */
    check(call("__main__:f") == 4);
    run(it, "del globals()[1], f\nfor i in range(1000): del globals()[str(i)]");
    check_fails("__main__:f", "AttributeError");
    run(it, "globals()[''.join(['f'])] = lambda: 8\nh = lambda: 9");
    check(call("__main__:f") == 8 && call("__main__:h") == 9 && call("__main__:f") == 8);
    run(it, "import sys\nagain(sys.modules, dict(reversed(sys.modules.items())))");
    check(call("__main__:f") == 8);
    run(it, "del f");
    check_fails("__main__:f", "AttributeError");
}

static void test_a_module_that_was_replaced(void **state)
{
    (void)state;
    run(it, "import sys, types\nm = sys.modules['m'] = types.ModuleType('m')\nm.f = lambda: 1");
    check(call("m:f") == 1);
    run(it, "m = sys.modules['m'] = types.ModuleType('m')\nm.f = lambda: 2");
    check(call("m:f") == 2);
    run(it, "class Odd:\n    f = staticmethod(lambda: 3)\nsys.modules['m'] = Odd()");
    check(call("m:f") == 3);
    run(it, "sys.modules['m'] = None");
    check_fails("m:f", "ModuleNotFoundError");
    run(it, "del sys.modules['m']");
    check_fails("m:f", "ModuleNotFoundError");
}

static void test_names_with_dots(void **state)
{
    (void)state;
    run(it, "class A:\n    class B:\n        f = staticmethod(lambda: 4)");
    check(call("__main__:A.B.f") == 4);
    check(call("os.path:sep.__len__") == 1);
    check_fails("__main__:A.C.f", "AttributeError");
    check_fails("__main__:A.", "AttributeError");
    check_fails("no.such:f", "ModuleNotFoundError");
}

static void test_one_that_is_no_target(void **state)
{
    (void)state;
    check_fails("f", "ValueError");
    check_fails(":f", "ValueError");
    check_fails("m:", "ValueError");
    check_fails("", "ValueError");
}

static void test_what_a_module_gives_by_getattr(void **state)
{
    (void)state;
    run(it, "import sys, types\nm = sys.modules['lazy'] = types.ModuleType('lazy')\n"
            "m.__getattr__ = lambda name: lambda: len(name)");
    check(call("lazy:abcdef") == 6);
}

/* The module's body is in the middle when the call comes: the call waits for its end. */
static void test_a_module_that_another_thread_imports(void **state)
{
    (void)state;
    run(it, "import sys, threading, importlib.abc, importlib.util\n"
            "begun, go_on = threading.Event(), threading.Event()\n"
            "class Slow(importlib.abc.Loader):\n"
            "    def exec_module(self, module):\n"
            "        module.f = lambda: 1\n"
            "        begun.set()\n"
            "        go_on.wait(20)\n"
            "        module.f = lambda: 2\n"
            "class Finder(importlib.abc.MetaPathFinder):\n"
            "    def find_spec(self, name, path, target=None):\n"
            "        return importlib.util.spec_from_loader(name, Slow()) if name == 'slow' else None\n"
            "sys.meta_path.insert(0, Finder())\n"
            "importer = threading.Thread(target=__import__, args=('slow',))\n"
            "importer.start()\n"
            "begun.wait(20)\n"
            "threading.Timer(0.05, go_on.set).start()\n");
    check(call("slow:f") == 2);
    run(it, "importer.join()\nsys.meta_path.pop(0)");
}

static int begin(void **state)
{
    int failed = with_runtime(state);
    it = create(NULL);
    return failed;
}

static int finish(void **state)
{
    end(it);
    return without_runtime(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_function_that_was_rebound),
        cmocka_unit_test(test_a_function_whose_place_changes),
        cmocka_unit_test(test_a_module_that_was_replaced),
        cmocka_unit_test(test_names_with_dots),
        cmocka_unit_test(test_one_that_is_no_target),
        cmocka_unit_test(test_what_a_module_gives_by_getattr),
        cmocka_unit_test(test_a_module_that_another_thread_imports),
    };
    return cmocka_run_group_tests(tests, begin, finish);
}
