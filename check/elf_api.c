/* Which imported functions matter to interpreters, and why. Tables only. */
#include <stdlib.h>
#include <string.h>

#include "elf_facts.h"

struct api {
    const char *symbol;
    elf_api why;
};

static const struct api apis[] = {
    /* sorted */
    {"PyErr_SetInterrupt", ELF_API_MAIN},
    {"PyErr_SetInterruptEx", ELF_API_MAIN},
    {"PyGILState_Check", ELF_API_GILSTATE},
    {"PyGILState_Ensure", ELF_API_GILSTATE},
    {"PyGILState_GetThisThreadState", ELF_API_GILSTATE},
    {"PyGILState_Release", ELF_API_GILSTATE},
    {"PyInterpreterState_Main", ELF_API_MAIN},
    {"PyModuleDef_Init", ELF_API_MULTI},
    {"PyModule_Create2", ELF_API_SINGLE},
    {"PyOS_setsig", ELF_API_SIGNAL},
    {"PyState_AddModule", ELF_API_SINGLE},
    {"PyType_Ready", ELF_API_TYPES},
    {"Py_AddPendingCall", ELF_API_PENDING},
    {"Py_AtExit", ELF_API_ATEXIT},
    {"_ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE", ELF_API_THREAD},
    {"chdir", ELF_API_DIRECTORY},
    {"clearenv", ELF_API_ENVIRONMENT},
    {"dlmopen", ELF_API_LOAD},
    {"dlopen", ELF_API_LOAD},
    {"fchdir", ELF_API_DIRECTORY},
    {"fork", ELF_API_FORK},
    {"pthread_create", ELF_API_THREAD},
    {"putenv", ELF_API_ENVIRONMENT},
    {"setenv", ELF_API_ENVIRONMENT},
    {"setlocale", ELF_API_LOCALE},
    {"sigaction", ELF_API_SIGNAL},
    {"signal", ELF_API_SIGNAL},
    {"thrd_create", ELF_API_THREAD},
    {"umask", ELF_API_UMASK},
    {"unsetenv", ELF_API_ENVIRONMENT},
    {"vfork", ELF_API_FORK},
};

static int by_symbol(const void *key, const void *api)
{
    return strcmp(key, ((const struct api *)api)->symbol);
}

elf_api elf_api_of(const char *symbol)
{
    const struct api *found = bsearch(symbol, apis, sizeof apis / sizeof apis[0], sizeof apis[0], by_symbol);
    return found != NULL ? found->why : ELF_API_NONE;
}
