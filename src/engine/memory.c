/* CPython's memory, counted to the account of the interpreter that it is for.
 *
 * Two of CPython's allocators together see all bytes that it takes from the system, at no cost that could be measured:
 * that of arenas (arena.c), from which objects of up to 512 bytes are cut, and that of the domain "raw", which also
 * serves larger objects and buffers of the other two domains.
 *
 * Behind a block of an interpreter lies a mark that names its account. A block without one, from before Isles was here
 * or of the main interpreter, is nobody's. Installed at the start; in a runtime that Isles did not start, on top of
 * what is there. It stays for the life of the process. */
#include <string.h>

#include "account.h"
#include "python.h"

#define MARK UINT64_C(0x69736c65732d6f77)

typedef struct mark { /* the last bytes of a block */
    account *owner;
    uint64_t check;
} mark;

static PyMemAllocatorEx below;
static PyMemAllocatorEx of_objects; /* CPython's own for the domain "object" */
static const char *reason = "CPython has not started";

const char *memory_reason(void)
{
    return reason;
}

/* --- marks ------------------------------------------------------------------------------------------------------ */

static uint64_t check_of(const void *block, const account *owner)
{
    return MARK ^ (uint64_t)(uintptr_t)block ^ ((uint64_t)(uintptr_t)owner << 7);
}

/* What a block of `size` bytes and its mark take: rounded up as glibc does it by itself, so that the block most often
 * has as many bytes as were counted, and one look at the account is enough. */
static size_t with_mark(size_t size)
{
    return ((size + sizeof(mark) + 23) & ~(size_t)15) - 8;
}

static bool too_large(size_t size)
{
    return size > PTRDIFF_MAX - 64;
}

static void *mark_place(void *block, size_t size)
{
    return (char *)block + size - sizeof(mark);
}

static void write_mark(void *block, size_t size, account *owner)
{
    mark m = {.owner = owner, .check = check_of(block, owner)};
    memcpy(mark_place(block, size), &m, sizeof m);
}

static account *owner_of(void *block, size_t size)
{
    mark m;
    if (size < sizeof m) {
        return NULL;
    }
    memcpy(&m, mark_place(block, size), sizeof m);
    return m.check == check_of(block, m.owner) ? m.owner : NULL;
}

static void wipe_mark(void *block, size_t size)
{
    memset(mark_place(block, size), 0, sizeof(mark));
}

/* --- small blocks that a thread keeps ------------------------------------------------------------------------------
 * To find the account, to charge it and to mark the block costs more than malloc does: what a thread frees it uses
 * again with its mark. Kept blocks count as credit. */

static const size_t STEP = 16; /* glibc's: a block has so many bytes times n, and 8 */

static bool is_kept_size(size_t size)
{
    return size < PURSE_SIZES * STEP && size % STEP == STEP / 2;
}

/* NULL: there is none of that size. */
static void *take_kept(size_t size)
{
    account_purse *p = account_here;
    void *block = p != NULL && is_kept_size(size) ? p->kept[size / STEP] : NULL;
    if (block == NULL || purse_credit(p) < (int64_t)size) {
        return NULL;
    }
    const PyThreadState *current = PyThreadState_GetUnchecked();
    if (current == NULL || current->interp != atomic_load_explicit(p->state, memory_order_relaxed)) {
        return NULL;
    }
    memcpy(&p->kept[size / STEP], block, sizeof(void *));
    p->count[size / STEP]--;
    purse_set_credit(p, purse_credit(p) - (int64_t)size);
    return block;
}

/* false: it can't be kept. */
static bool keep(void *block, size_t size, const account *a)
{
    account_purse *p = account_here;
    if (p == NULL || p->owner != a || !is_kept_size(size) || p->count[size / STEP] == PURSE_DEPTH) {
        return false;
    }
    memcpy(block, &p->kept[size / STEP], sizeof(void *));
    p->kept[size / STEP] = block;
    p->count[size / STEP]++;
    purse_set_credit(p, purse_credit(p) + (int64_t)size);
    return true;
}

void memory_free_kept(account_purse *p)
{
    for (size_t i = 0; i < PURSE_SIZES; i++) {
        while (p->kept[i] != NULL) {
            void *block = p->kept[i];
            memcpy(&p->kept[i], block, sizeof(void *));
            wipe_mark(block, i * STEP + STEP / 2);
            below.free(below.ctx, block);
        }
    }
}

/* --- the domain "raw" --------------------------------------------------------------------------------------------- */

/* `block` is new, and `wanted` bytes were counted for it. May be NULL. */
static void *own(void *block, size_t wanted, account *a)
{
    if (block == NULL) {
        account_give_back(a, wanted);
        return NULL;
    }
    size_t size = plat_block_size(block);
    if (size != wanted) {
        account_charge_freely(a, size - wanted);
    }
    write_mark(block, size, a);
    return block;
}

static void *raw_malloc(void *ctx, size_t size)
{
    (void)ctx;
    size_t wanted = with_mark(size); /* no overflow: CPython asks for PY_SSIZE_T_MAX at most */
    void *kept = take_kept(wanted);
    if (kept != NULL) {
        return kept;
    }
    account *a = account_of_thread();
    if (a == NULL || too_large(size)) {
        return below.malloc(below.ctx, size);
    }
    return account_charge(a, wanted) ? own(below.malloc(below.ctx, wanted), wanted, a) : NULL;
}

static void *raw_calloc(void *ctx, size_t count, size_t size)
{
    (void)ctx;
    account *a = account_of_thread();
    size_t product;
    if (a == NULL || __builtin_mul_overflow(count, size, &product) || too_large(product)) {
        return below.calloc(below.ctx, count, size);
    }
    size_t wanted = with_mark(product);
    return account_charge(a, wanted) ? own(below.calloc(below.ctx, 1, wanted), wanted, a) : NULL;
}

static void raw_free(void *ctx, void *block)
{
    (void)ctx;
    if (block == NULL) {
        return;
    }
    size_t size = plat_block_size(block);
    account *a = owner_of(block, size);
    if (a != NULL && keep(block, size, a)) {
        return;
    }
    if (a != NULL) {
        wipe_mark(block, size);
        account_give_back(a, size);
    }
    below.free(below.ctx, block);
}

/* The block stays whose it is. What it grows by is asked for before: afterwards there is no way back. */
static void *raw_realloc(void *ctx, void *block, size_t size)
{
    if (block == NULL) {
        return raw_malloc(ctx, size);
    }
    size_t before = plat_block_size(block);
    account *a = owner_of(block, before);
    if (a == NULL || too_large(size)) {
        return below.realloc(below.ctx, block, size);
    }
    size_t wanted = with_mark(size), growth = wanted > before ? wanted - before : 0;
    bool mine = a == account_of_thread();
    if (growth != 0 && mine && !account_charge(a, growth)) {
        return NULL;
    }
    if (growth != 0 && !mine) {
        account_charge_freely(a, growth);
    }
    void *moved = below.realloc(below.ctx, block, wanted);
    if (moved == NULL) {
        account_give_back(a, growth);
        return NULL;
    }
    size_t after = plat_block_size(moved), counted = before + growth;
    if (after > counted) {
        account_charge_freely(a, after - counted);
    } else if (after < counted) {
        account_give_back(a, counted - after);
    }
    write_mark(moved, after, a);
    return moved;
}

/* --- blocks that change hands ------------------------------------------------------------------------------------- */

/* What hooks that domain (tracemalloc, a profiler, CPython's debug hooks) may have headers before its blocks. */
bool memory_can_move(void)
{
#ifdef Py_TRACE_REFS
    return false; /* each interpreter has a table of its objects */
#else
    PyMemAllocatorEx now;
    if (reason != NULL) {
        return false;
    }
    PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &now);
    return now.free == of_objects.free && now.ctx == of_objects.ctx;
#endif
}

bool memory_adopt(void *block)
{
    size_t size = plat_block_size(block);
    account *before = owner_of(block, size), *now = account_of_thread();
    if (before == now) {
        return true;
    }
    if (now == NULL) {
        wipe_mark(block, size);
    } else if (before == NULL || !account_charge_if_room(now, size)) { /* nobody's block has no place for a mark */
        return false;
    } else {
        write_mark(block, size, now);
    }
    account_give_back(before, size);
    return true;
}

/* --- installing --------------------------------------------------------------------------------------------------- */

/* Exported by CPython 3.13 to 3.15, declared in an internal header. */
extern const char *_PyMem_GetCurrentAllocatorName(void);

static const char *why_not(void)
{
#ifdef Py_GIL_DISABLED
    return "a free-threaded CPython has an allocator whose memory can't be counted";
#endif
    const char *name = _PyMem_GetCurrentAllocatorName();
    if (!plat_has_block_size()) {
        return "this system does not tell the size of a block of memory";
    }
    if (name == NULL || strcmp(name, "pymalloc") != 0) {
        return "CPython does not use its usual allocator (PYTHONMALLOC, -X dev)";
    }
    return NULL;
}

void memory_start(void)
{
    static bool installed;
    if (installed) {
        return;
    }
    installed = true;
    reason = why_not();
    arena_start();
    if (reason != NULL) {
        return;
    }
    PyMemAllocatorEx hooks = {NULL, raw_malloc, raw_calloc, raw_realloc, raw_free};
    PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &of_objects);
    PyMem_GetAllocator(PYMEM_DOMAIN_RAW, &below);
    PyMem_SetAllocator(PYMEM_DOMAIN_RAW, &hooks);
}
