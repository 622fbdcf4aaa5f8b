// What C++ makes one of for the whole process (STB_GNU_UNIQUE): the static of an inline function, and a template's. A
// constructor and a destructor of a static object, and thread_local data.
#include <Python.h>

#include <string>
#include <vector>

struct registry {
    std::vector<std::string> names;
    registry()
    {
        names.push_back("made");
    }
    ~registry()
    {
        names.clear();
    }
};
__attribute__((visibility("default"))) inline int &inline_count()
{
    static int count = 0;
    return count;
}
template <class T> struct __attribute__((visibility("default"))) counter {
    static int count;
};
template <class T> int counter<T>::count = 0;
static registry all;
static thread_local std::string here = "fresh";

extern "C" {
static PyObject *next(PyObject *, PyObject *)
{
    all.names.push_back("called");
    here += "+";
    return Py_BuildValue("(iins)", ++inline_count(), ++counter<int>::count, (Py_ssize_t)all.names.size(), here.c_str());
}

static PyMethodDef methods[] = {{"next", next, METH_NOARGS, nullptr}, {nullptr, nullptr, 0, nullptr}};
static struct PyModuleDef def = {
    PyModuleDef_HEAD_INIT, "cxx_inline", nullptr, -1, methods, nullptr, nullptr, nullptr, nullptr};

PyMODINIT_FUNC PyInit_cxx_inline(void)
{
    return PyModule_Create(&def);
}
}
