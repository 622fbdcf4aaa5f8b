/* Budgets, for Python: limits as {"memory": (soft, hard), …} in the units of isles/budget.h; usage likewise. */
#include <string.h>

#include "module.h"

static int take_limit(PyObject *limits, const char *name, isle_limit *out)
{
    PyObject *pair = PyDict_GetItemString(limits, name);
    unsigned long long soft, hard;
    if (pair == NULL) {
        return 0;
    }
    if (!PyTuple_Check(pair) || !PyArg_ParseTuple(pair, "KK", &soft, &hard)) {
        PyErr_Format(PyExc_TypeError, "the limits of %s must be a tuple of two numbers", name);
        return -1;
    }
    *out = (isle_limit){.soft = soft, .hard = hard};
    return 0;
}

int budgets_take(PyObject *limits, isle_budgets *out)
{
#define BUDGET_TAKE(NAME, field, called, text) \
    if (take_limit(limits, called, &out->field) < 0) { \
        return -1; \
    }
    ISLE_BUDGET_LIST(BUDGET_TAKE)
#undef BUDGET_TAKE
    return 0;
}

static PyObject *set_budgets(PyObject *capsule, PyObject *args)
{
    isle_interp it;
    unsigned long long id;
    PyObject *limits;
    isle_budgets wanted = ISLE_BUDGETS_INIT;
    isle_error *error = NULL;
    if (!PyArg_ParseTuple(args, "KO!", &id, &PyDict_Type, &limits) || budgets_take(limits, &wanted) < 0) {
        return NULL;
    }
    it.id = id;
    isle_status status = isle_interp_set_budgets(it, &wanted, &error);
    return status == ISLE_OK ? Py_NewRef(Py_None) : raise_failure(interp_of(capsule), status, error);
}

static int add_amount(PyObject *dict, const char *name, isle_amount a)
{
    PyObject *tuple = Py_BuildValue("(KKKKK)", (unsigned long long)a.used, (unsigned long long)a.peak,
                                    (unsigned long long)a.soft, (unsigned long long)a.hard,
                                    (unsigned long long)a.reached);
    int failed = tuple == NULL || PyDict_SetItemString(dict, name, tuple) < 0;
    Py_XDECREF(tuple);
    return failed ? -1 : 0;
}

static PyObject *usage(PyObject *capsule, PyObject *arg)
{
    isle_usage u = {.size = sizeof u};
    isle_interp it = {.id = PyLong_AsUnsignedLongLong(arg)};
    if (it.id == (unsigned long long)-1 && PyErr_Occurred()) {
        return NULL;
    }
    isle_status status = isle_interp_get_usage(it, &u);
    if (status != ISLE_OK) {
        return raise_failure(interp_of(capsule), status, NULL);
    }
    PyObject *dict = PyDict_New();
#define BUDGET_ADD(NAME, field, called, text) \
    if (dict != NULL && add_amount(dict, called, u.field) < 0) { \
        Py_CLEAR(dict); \
    }
    ISLE_BUDGET_LIST(BUDGET_ADD)
#undef BUDGET_ADD
    return dict;
}

PyMethodDef budget_functions[] = {
    {"_set_budgets", set_budgets, METH_VARARGS, "_set_budgets(id, limits)"},
    {"_usage", usage, METH_O, "_usage(id)\n\nFor each budget: used, peak, soft, hard, reached."},
    {NULL, NULL, 0, NULL},
};
