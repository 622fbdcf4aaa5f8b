/* Odd, and good: C++ with a static constructor, a static destructor and a thread_local that has both. What they hold
 * is no object and is written once, so that all interpreters may read it. */
#include <Python.h>

#include <map>
#include <string>

namespace
{

struct Table {
    std::map<std::string, long> words;
    Table() : words{{"one", 1}, {"two", 2}, {"three", 3}}
    {
    }
    ~Table()
    {
        words.clear();
    }
};

struct Scratch {
    std::string text;
    Scratch() : text(64, ' ')
    {
    }
    ~Scratch()
    {
        text.clear();
    }
};

const Table table;
thread_local Scratch scratch;

PyObject *lookup(PyObject *, PyObject *word)
{
    Py_ssize_t len = 0;
    const char *data = PyUnicode_AsUTF8AndSize(word, &len);
    if (data == nullptr) {
        return nullptr;
    }
    scratch.text.assign(data, static_cast<size_t>(len));
    auto found = table.words.find(scratch.text);
    return PyLong_FromLong(found != table.words.end() ? found->second : 0);
}

PyMethodDef methods[] = {{"lookup", lookup, METH_O, "The number of an English word; 0: not known."},
                         {nullptr, nullptr, 0, nullptr}};

PyModuleDef_Slot slots[] = {{Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
                            {Py_mod_gil, Py_MOD_GIL_NOT_USED},
                            {0, nullptr}};

PyModuleDef definition = {PyModuleDef_HEAD_INIT, "cpp_statics", nullptr, 0, methods, slots, nullptr, nullptr, nullptr};

} // namespace

PyMODINIT_FUNC PyInit_cpp_statics()
{
    return PyModuleDef_Init(&definition);
}
