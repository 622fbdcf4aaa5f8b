/* What the files of the odd extensions (tests/extensions) say, with and without symbols; and files that lie: whatever
 * stands in one, reading it ends, and harms nobody. */
#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "elf_facts.h"

static elf_facts facts;

static char *path_of(const char *module)
{
    return check_format("%s/%s%s", getenv("ISLES_EXTENSIONS"), module, getenv("ISLES_EXTENSION_SUFFIX"));
}

static void read_module(const char *module)
{
    char *path = path_of(module);
    elf_facts_read(path, &facts);
    free(path);
    if (facts.trouble != NULL) {
        fail_msg("%s: %s", module, facts.trouble);
    }
}

static int teardown(void **state)
{
    (void)state;
    elf_facts_free(&facts);
    return 0;
}

static const static_data *static_of(const char *name)
{
    for (size_t i = 0; i < facts.static_count; i++) {
        if (facts.statics[i].name != NULL && strcmp(facts.statics[i].name, name) == 0) {
            return &facts.statics[i];
        }
    }
    return NULL;
}

/* --- what is there ------------------------------------------------------------------------------------------- */

static void test_single_phase_init_and_a_counter(void **state)
{
    (void)state;
    read_module("static_counter");
    assert_string_equal(facts.inits.items[0], "static_counter");
    assert_int_equal(facts.init, ELF_INIT_SINGLE);
    assert_int_equal(facts.interpreters, ELF_SLOT_UNKNOWN);
    assert_int_equal(facts.state_bytes, -1);
    assert_true(check_strings_has(&facts.imports, "PyModule_Create2"));
    const static_data *counter = static_of("counter");
    assert_non_null(counter);
    assert_int_equal(counter->size, sizeof(long));
    assert_int_equal(counter->kind, STATIC_DATA);
    assert_string_equal(counter->section, ".bss");
    assert_int_equal(static_of("methods")->kind, STATIC_TABLE);
    assert_false(facts.foreign);
    assert_int_equal(facts.bits, 8 * sizeof(void *));
}

static void test_slots_and_size_of_state(void **state)
{
    (void)state;
    read_module("leaking");
    assert_int_equal(facts.init, ELF_INIT_MULTI);
    assert_string_equal(facts.init_evidence, "module definition");
    assert_string_equal(facts.definition, "definition");
    assert_int_equal(facts.interpreters, 2);
    assert_true(facts.state_bytes > 0);
    for (size_t i = 0; i < facts.static_count; i++) {
        assert_int_equal(facts.statics[i].kind, STATIC_TABLE);
    }
}

static void test_multi_phase_without_any_slot(void **state)
{
    (void)state;
    read_module("kept_callback");
    assert_int_equal(facts.init, ELF_INIT_MULTI);
    assert_int_equal(facts.interpreters, ELF_SLOT_NONE);
}

static void test_a_static_type_is_found_by_its_layout_too(void **state)
{
    (void)state;
    read_module("static_type");
    const static_data *type = static_of("point_type");
    assert_non_null(type);
    assert_int_equal(type->kind, STATIC_TYPE);
}

static void test_debug_information_gives_types_and_lines(void **state)
{
    (void)state;
    read_module("static_object");
    if (!facts.has_debug_info) {
        skip(); /* built without libdw, or without -g */
    }
    const static_data *cache = static_of("cache");
    assert_int_equal(cache->kind, STATIC_OBJECT);
    assert_string_equal(cache->type, "PyObject *");
    assert_string_equal(cache->file, "static_object.c");
    assert_true(cache->line > 0);
    assert_string_equal(facts.init_file, "static_object.c");
    assert_true(facts.init_line > cache->line);
}

static void test_what_it_calls(void **state)
{
    (void)state;
    read_module("gilstate_thread");
    assert_true(check_strings_has(&facts.imports, "PyGILState_Ensure"));
    assert_true(check_strings_has(&facts.imports, "pthread_create"));
    assert_int_equal(elf_api_of("PyGILState_Ensure"), ELF_API_GILSTATE);
    assert_int_equal(elf_api_of("setlocale"), ELF_API_LOCALE);
    assert_int_equal(elf_api_of("vfork"), ELF_API_FORK);
    assert_int_equal(elf_api_of("PyErr_SetInterrupt"), ELF_API_MAIN);
    assert_int_equal(elf_api_of("PyList_New"), ELF_API_NONE);
}

static void test_a_library_has_no_module(void **state)
{
    (void)state;
    char *path = check_format("%s/libtally.so", getenv("ISLES_EXTENSIONS"));
    elf_facts_read(path, &facts);
    free(path);
    assert_null(facts.trouble);
    assert_int_equal(facts.inits.count, 0);
}

/* --- files that are something else --------------------------------------------------------------------------- */

struct bytes {
    char *data;
    size_t len;
};

static struct bytes load(const char *module)
{
    char *path = path_of(module);
    FILE *file = fopen(path, "rb");
    struct bytes bytes = {.data = check_alloc(1 << 20)};
    assert_non_null(file);
    bytes.len = fread(bytes.data, 1, 1 << 20, file);
    fclose(file);
    free(path);
    return bytes;
}

static void read_bytes(const char *data, size_t len)
{
    char path[64];
    int fd = memfd_create("extension", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), (ssize_t)len);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    elf_facts_free(&facts);
    elf_facts_read(path, &facts);
    close(fd);
}

static void test_no_elf_file(void **state)
{
    (void)state;
    read_bytes("INPUT(-lm)\n", 11);
    assert_string_equal(facts.trouble, "not an ELF file");
    read_bytes("", 0);
    assert_string_equal(facts.trouble, "empty");
    read_bytes("\177ELF", 4);
    assert_non_null(facts.trouble);
    elf_facts_free(&facts);
    elf_facts_read("/nowhere/x.so", &facts);
    assert_string_equal(facts.trouble, "can't be opened: No such file or directory");
    elf_facts_free(&facts);
    elf_facts_read("/tmp", &facts);
    assert_string_equal(facts.trouble, "not a file");
}

static void test_an_executable_is_no_extension(void **state)
{
    (void)state;
    struct bytes bytes = load("leaking");
    ((Elf64_Ehdr *)bytes.data)->e_type = ET_EXEC;
    read_bytes(bytes.data, bytes.len);
    assert_string_equal(facts.trouble, "an ELF file, but not a shared library");
    free(bytes.data);
}

static void test_another_machine(void **state)
{
    (void)state;
    struct bytes bytes = load("leaking");
    ((Elf64_Ehdr *)bytes.data)->e_machine = EM_S390;
    read_bytes(bytes.data, bytes.len);
    assert_null(facts.trouble);
    assert_true(facts.foreign);
    assert_string_equal(facts.machine, "S/390");
    assert_true(check_strings_has(&facts.inits, "leaking"));
    free(bytes.data);
}

/* The program header says where the loaded parts are; the tables of sections lie behind them. */
static void test_truncated_at_every_place(void **state)
{
    (void)state;
    struct bytes bytes = load("static_type");
    for (size_t len = 1; len < bytes.len; len += len < 1024 ? 13 : 997) {
        read_bytes(bytes.data, len);
        if (len < 2000) { /* not even the loaded part */
            assert_non_null(facts.trouble);
        }
    }
    free(bytes.data);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* One place of four is in the headers at the front, one in the table of sections at the end. */
static size_t place(uint64_t *seed, size_t len)
{
    uint64_t number = next_random(seed);
    switch (number & 3) {
    case 0:
        return (number >> 2) % 1024;
    case 1:
        return len - 1 - (number >> 2) % 3000;
    default:
        return (number >> 2) % len;
    }
}

static void flip(const char *module, uint64_t seed, size_t rounds)
{
    struct bytes bytes = load(module);
    char *bent = check_alloc(bytes.len);
    assert_true(bytes.len > 4096);
    for (size_t i = 0; i < rounds; i++) {
        memcpy(bent, bytes.data, bytes.len);
        for (uint64_t flips = 1 + next_random(&seed) % 8; flips > 0; flips--) {
            bent[place(&seed, bytes.len)] = (char)next_random(&seed);
        }
        bent[EI_MAG0] = ELFMAG0;
        read_bytes(bent, bytes.len);
    }
    free(bent);
    free(bytes.data);
}

/* ISLES_FLIPS=100000 makes it long. */
static void test_flipped_bytes(void **state)
{
    (void)state;
    const char *wanted = getenv("ISLES_FLIPS");
    size_t rounds = wanted != NULL ? strtoul(wanted, NULL, 10) : 600;
    flip("static_type", 0x9e3779b97f4a7c15, rounds);
    flip("cpp_statics", 0xbf58476d1ce4e5b9, rounds);
    flip("leaking", 0x94d049bb133111eb, rounds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_single_phase_init_and_a_counter, teardown),
        cmocka_unit_test_teardown(test_slots_and_size_of_state, teardown),
        cmocka_unit_test_teardown(test_multi_phase_without_any_slot, teardown),
        cmocka_unit_test_teardown(test_a_static_type_is_found_by_its_layout_too, teardown),
        cmocka_unit_test_teardown(test_debug_information_gives_types_and_lines, teardown),
        cmocka_unit_test_teardown(test_what_it_calls, teardown),
        cmocka_unit_test_teardown(test_a_library_has_no_module, teardown),
        cmocka_unit_test_teardown(test_no_elf_file, teardown),
        cmocka_unit_test_teardown(test_an_executable_is_no_extension, teardown),
        cmocka_unit_test_teardown(test_another_machine, teardown),
        cmocka_unit_test_teardown(test_truncated_at_every_place, teardown),
        cmocka_unit_test_teardown(test_flipped_bytes, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
