/* Policies, for Python: from a dict of isles.Policy's fields, and the report. */
#include "module.h"

int policy_asks(engine_interp *mine, const char *event, unsigned long long id)
{
    return mine->policy == NULL || id == mine->id ? 0 : PySys_Audit(event, "K", id);
}

/* --- from settings ------------------------------------------------------------------------------------------------ */

static int take_ports(borrowed *b, PyObject *settings, const char *name, const uint16_t **out, size_t *out_count)
{
    PyObject *value = PyDict_GetItemString(settings, name);
    if (value == NULL || value == Py_None) {
        return 0;
    }
    PyObject *items = PySequence_List(value);
    Py_ssize_t count = items != NULL ? PyList_GET_SIZE(items) : 0;
    uint16_t *ports = items != NULL ? PyMem_Calloc((size_t)count + 1, sizeof *ports) : NULL;
    bool failed = ports == NULL;
    if (failed && items != NULL) {
        PyErr_NoMemory();
    }
    for (Py_ssize_t i = 0; !failed && i < count; i++) {
        long port = PyLong_AsLong(PyList_GET_ITEM(items, i));
        failed = port < 0 || port > UINT16_MAX;
        if (failed && !PyErr_Occurred()) {
            PyErr_Format(PyExc_ValueError, "policy.%s[%zd]: %ld is no port", name, i, port);
        }
        ports[i] = (uint16_t)port;
    }
    if (ports != NULL) {
        b->blocks[b->block_count++] = ports;
    }
    Py_XDECREF(items);
    *out = ports;
    *out_count = (size_t)count;
    return failed ? -1 : 0;
}

int policy_from_settings(borrowed *b, PyObject *settings, isle_policy *out, isle_interp_config *config)
{
    PyObject *p = PyDict_GetItemString(settings, "policy"); /* borrowed */
    if (p == NULL || p == Py_None) {
        return 0;
    }
    if (!PyDict_Check(p)) {
        PyErr_SetString(PyExc_TypeError, "policy must be a dict");
        return -1;
    }
    config->policy = out;
    return take_texts(b, p, "read", &out->read, &out->read_count) < 0 ||
                   take_texts(b, p, "write", &out->write, &out->write_count) < 0 ||
                   take_texts(b, p, "execute", &out->execute, &out->execute_count) < 0 ||
                   take_ports(b, p, "connect", &out->connect, &out->connect_count) < 0 ||
                   take_ports(b, p, "bind", &out->bind, &out->bind_count) < 0 ||
                   take_texts(b, p, "seccomp", &out->seccomp, &out->seccomp_count) < 0 ||
                   take_texts(b, p, "rules", &out->rules, &out->rule_count) < 0 ||
                   take_bool(p, "observe", &out->observe) < 0
               ? -1
               : 0;
}

/* --- the report --------------------------------------------------------------------------------------------------- */

static PyObject *findings_of(const isle_policy_report *report)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < report->finding_count; i++) {
        const isle_policy_finding *f = &report->findings[i];
        PyObject *finding = Py_BuildValue("(NNNK)", PyUnicode_DecodeFSDefault(f->rule),
                                          PyUnicode_DecodeFSDefault(f->event), PyUnicode_DecodeFSDefault(f->subject),
                                          (unsigned long long)f->count);
        if (finding == NULL || PyList_Append(list, finding) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(finding);
    }
    return list;
}

static PyObject *unused_of(const isle_policy_report *report)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < report->unused_rule_count; i++) {
        PyObject *text = PyUnicode_DecodeFSDefault(report->unused_rules[i]);
        if (text == NULL || PyList_Append(list, text) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(text);
    }
    return list;
}

/* _policy_report(id): (observe, [(rule, event, subject, count)], left_out, [unused rule]) */
static PyObject *policy_report(PyObject *capsule, PyObject *arg)
{
    isle_policy_report *report = NULL;
    isle_error *error = NULL;
    isle_interp it = {.id = PyLong_AsUnsignedLongLong(arg)};
    if (it.id == (unsigned long long)-1 && PyErr_Occurred()) {
        return NULL;
    }
    isle_status status = isle_interp_get_policy_report(it, &report, &error);
    if (status != ISLE_OK) {
        return raise_failure(interp_of(capsule), status, error);
    }
    PyObject *told = Py_BuildValue("(NNKN)", PyBool_FromLong(report->observe), findings_of(report),
                                   (unsigned long long)report->left_out, unused_of(report));
    isle_policy_report_free(report);
    return told;
}

/* _policy_rule_fault(text): what is wrong with a rule, or None. */
static PyObject *rule_fault(PyObject *self, PyObject *arg)
{
    (void)self;
    const char *text = PyUnicode_AsUTF8(arg);
    if (text == NULL) {
        return NULL;
    }
    const char *fault = isle_policy_rule_fault(text);
    return fault != NULL ? PyUnicode_FromString(fault) : Py_NewRef(Py_None);
}

static PyObject *profiles(PyObject *self, PyObject *unused)
{
    (void)self;
    (void)unused;
    PyObject *names = PyDict_New();
    const char *name, *forbids = "";
    for (size_t i = 0; names != NULL && (name = isle_policy_profile(i, &forbids)) != NULL; i++) {
        PyObject *text = PyUnicode_FromString(forbids);
        if (text == NULL || PyDict_SetItemString(names, name, text) < 0) {
            Py_CLEAR(names);
        }
        Py_XDECREF(text);
    }
    return names;
}

PyMethodDef policy_functions[] = {
    {"_policy_report", policy_report, METH_O,
     "_policy_report(id)\n\n(observe, [(rule, event, subject, count)], left_out, [unused rule])"},
    {"_policy_rule_fault", rule_fault, METH_O, "_policy_rule_fault(rule)\n\nWhat is wrong with it, or None."},
    {"_policy_profiles", profiles, METH_NOARGS, "_policy_profiles()\n\nNames of profiles, and what each forbids."},
    {NULL, NULL, 0, NULL},
};
