/* Gates, for Python: what a thread waits on that would else wait on a lock of CPython's. Who waits looks first. */
#include <string.h>

#include "python.h"

typedef struct gate_object {
    PyObject_HEAD plat_gate gate;
} gate_object;

int gate_wait(plat_gate *gate, int64_t deadline)
{
    plat_wait result = plat_gate_is_open(gate) ? PLAT_OPEN : PLAT_INTERRUPTED;
    while (result == PLAT_INTERRUPTED) {
        PyThreadState *state = PyEval_SaveThread();
        result = plat_gate_wait_interruptible(gate, deadline);
        PyEval_RestoreThread(state);
        if (result == PLAT_INTERRUPTED && (interrupt_is_wanted() || PyErr_CheckSignals() < 0)) {
            return -1;
        }
    }
    return result == PLAT_OPEN ? 1 : 0;
}

static PyObject *method_open(PyObject *self, PyObject *unused)
{
    (void)unused;
    plat_gate_open(&((gate_object *)self)->gate);
    Py_RETURN_NONE;
}

static PyObject *method_wait(PyObject *self, PyObject *timeout)
{
    int64_t deadline;
    if (!queue_deadline(timeout, &deadline)) {
        return NULL;
    }
    int open = gate_wait(&((gate_object *)self)->gate, deadline);
    return open < 0 ? NULL : PyBool_FromLong(open);
}

static PyMethodDef methods[] = {
    {"open", method_open, METH_NOARGS, "open()\n\nLets all through, from now on."},
    {"wait", method_wait, METH_O, "wait(timeout)\n\nWaits up to timeout seconds (None: for ever). True: it is open."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Shut, until it is opened."},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "isles._Gate",
    .basicsize = sizeof(gate_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};

PyObject *gate_type_make(void)
{
    return PyType_FromSpec(&spec);
}

bool gates_take(PyObject *list, gate_list *out)
{
    out->count = PyList_Check(list) ? PyList_GET_SIZE(list) : -1;
    out->gates = PyMem_New(plat_gate *, out->count > 0 ? out->count : 1);
    for (Py_ssize_t i = 0; i < out->count && out->gates != NULL; i++) {
        PyObject *gate = PyList_GET_ITEM(list, i);
        out->gates[i] = &((gate_object *)gate)->gate;
        if (strcmp(Py_TYPE(gate)->tp_name, spec.name) != 0) {
            out->count = -1;
        }
    }
    if (out->count < 0 || out->gates == NULL) {
        PyMem_Free(out->gates);
        PyErr_SetString(PyExc_TypeError, "a list of gates is wanted");
        return false;
    }
    return true;
}

void gates_open(const gate_list *list)
{
    for (Py_ssize_t i = 0; i < list->count; i++) {
        plat_gate_open(list->gates[i]);
    }
}

void gates_forget(gate_list *list)
{
    PyMem_Free(list->gates);
}
