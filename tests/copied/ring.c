/* One of two libraries that need each other: MINE calls OTHER, until `depth` is used up, and then counts. With Python
 * in it, each user needs both for itself. */
#ifdef WITH_PYTHON
#include <Python.h>
#endif

int OTHER(int depth);
int MINE(int depth);

int MINE(int depth)
{
    static int count;
#ifdef WITH_PYTHON
    if (!Py_IsInitialized()) {
        return -1;
    }
#endif
    if (depth > 0) {
        return OTHER(depth - 1);
    }
    return ++count;
}
