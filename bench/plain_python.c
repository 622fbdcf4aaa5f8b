/* The engine's python, linked as programs of Isles are: what bench/budgets.py compares with. Debian's own python has
 * all of CPython inside, and is up to 1.7 times as fast as one that calls into libpython3.x.so. */
#include <Python.h>

int main(int argc, char **argv)
{
    return Py_BytesMain(argc, argv);
}
