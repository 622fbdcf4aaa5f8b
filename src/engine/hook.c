/* Replaces a function of CPython by one of ours, keeping the original callable.
 *
 * Why: a blocking C call of CPython (time.sleep, socket.recv, Lock.acquire) that is interrupted by a signal asks
 * PyErr_CheckSignals or Py_MakePendingCalls whether to go on, and outside the main interpreter both answer "go
 * on" (PEP 475, python/cpython#144748; 3.13 to 3.15). No API changes that answer, libpython binds its calls to
 * them at build time, so interposing the symbol reaches only extension modules. So the first instructions of both
 * are replaced by a jump. Zydis decodes the instructions that make room, and they are moved to a trampoline beside
 * the library's code.
 *
 * Done once, at the runtime's start, by the thread that starts it. x86-64 with Zydis only; elsewhere, or where the
 * system forbids writing code, hook_install says why and blocking calls stay uninterruptible. */
#include "python.h"

#if defined(ISLES_HAVE_ZYDIS) && defined(__x86_64__) && defined(__linux__)

#include <Zydis/Zydis.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { JUMP_SIZE = 5, FAR_JUMP_SIZE = 14, ROOM = 128, MAX_INSTRUCTION = 15 };

typedef struct moved {
    uint8_t code[ROOM];
    size_t size;
    size_t taken; /* bytes of the original */
} moved;

bool hook_built(void)
{
    return true;
}

static void put_far_jump(uint8_t *at, const void *target)
{
    static const uint8_t jmp_through_next[6] = {0xff, 0x25, 0, 0, 0, 0};
    memcpy(at, jmp_through_next, sizeof jmp_through_next);
    memcpy(at + sizeof jmp_through_next, &target, sizeof target);
}

/* A page that a 32-bit displacement reaches from `near`. */
static uint8_t *page_near(const uint8_t *near)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), step = 1 << 20, reach = (uintptr_t)1 << 30;
    const uintptr_t base = (uintptr_t)near & ~(page - 1);
    for (uintptr_t distance = step; distance < reach; distance += step) {
        for (int side = 0; side < 2; side++) {
            void *want = (void *)(side ? base + distance : base - distance);
            void *got = mmap(want, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
                             0);
            if (got == want) {
                return got;
            }
            if (got != MAP_FAILED) {
                munmap(got, page);
            }
        }
    }
    return NULL;
}

static bool adjust(uint8_t *field, int bits, int64_t shift)
{
    if (bits != 32) {
        return false;
    }
    int32_t old;
    memcpy(&old, field, sizeof old);
    int64_t wide = (int64_t)old - shift;
    if (wide < INT32_MIN || wide > INT32_MAX) {
        return false;
    }
    int32_t moved_value = (int32_t)wide;
    memcpy(field, &moved_value, sizeof moved_value);
    return true;
}

/* Copies one instruction from `from` to `to`; addresses relative to the instruction are adjusted. */
static bool move_instruction(const ZydisDecodedInstruction *in, const uint8_t *from, uint8_t *to)
{
    memcpy(to, from, in->length);
    if (!(in->attributes & ZYDIS_ATTRIB_IS_RELATIVE)) {
        return true;
    }
    int64_t shift = to - from;
    for (int i = 0; i < 2; i++) {
        if (in->raw.imm[i].is_relative) {
            return adjust(to + in->raw.imm[i].offset, in->raw.imm[i].size, shift);
        }
    }
    return adjust(to + in->raw.disp.offset, in->raw.disp.size, shift);
}

/* Moves whole instructions from `target` to `to` until a jump fits in their place. */
static const char *make_room(const uint8_t *target, uint8_t *to, moved *out)
{
    ZydisDecoder decoder;
    if (!ZYAN_SUCCESS(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64))) {
        return "the disassembler does not start";
    }
    *out = (moved){.size = 0};
    while (out->taken < JUMP_SIZE) {
        ZydisDecodedInstruction in;
        if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, NULL, target + out->taken, MAX_INSTRUCTION, &in))) {
            return "CPython's code can't be decoded";
        }
        if (!move_instruction(&in, target + out->taken, to + out->size)) {
            return "CPython's code can't be moved";
        }
        out->taken += in.length;
        out->size += in.length;
    }
    put_far_jump(to + out->size, target + out->taken);
    return NULL;
}

/* Writes the jump; in one store where the 5 bytes lie in one aligned word (functions are aligned to 16). */
static const char *write_jump(uint8_t *target, const uint8_t *to)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uint8_t *first = (uint8_t *)((uintptr_t)target & ~(page - 1));
    size_t size = (size_t)(target + 2 * sizeof(uint64_t) - first);
    if (mprotect(first, size, PROT_READ | PROT_WRITE | PROT_EXEC) != 0) {
        return "the system does not allow code to be written";
    }
    int32_t distance = (int32_t)(to - (target + JUMP_SIZE));
    if ((uintptr_t)target % sizeof(uint64_t) == 0) {
        uint8_t word[sizeof(uint64_t)];
        memcpy(word, target, sizeof word);
        word[0] = 0xe9;
        memcpy(word + 1, &distance, sizeof distance);
        uint64_t value;
        memcpy(&value, word, sizeof value);
        __atomic_store_n((uint64_t *)(void *)target, value, __ATOMIC_SEQ_CST);
    } else {
        target[0] = 0xe9;
        memcpy(target + 1, &distance, sizeof distance);
    }
    mprotect(first, size, PROT_READ | PROT_EXEC);
    return NULL;
}

const char *hook_install(void *function, void *replacement, void **out_original)
{
    uint8_t *target = function;
    uint8_t *page = page_near(target);
    if (page == NULL) {
        return "there is no room for code near CPython's";
    }
    /* the page: [far jump to the replacement][the moved instructions, far jump back] */
    put_far_jump(page, replacement);
    uint8_t *original = page + 16;
    moved room;
    const char *reason = make_room(target, original, &room);
    if (reason == NULL && mprotect(page, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_EXEC) != 0) {
        reason = "the system does not allow code to be written";
    }
    if (reason == NULL) {
        *out_original = original; /* before the jump is there: the replacement calls it */
        reason = write_jump(target, page);
    }
    if (reason != NULL) {
        munmap(page, (size_t)sysconf(_SC_PAGESIZE));
    }
    return reason;
}

#else

bool hook_built(void)
{
    return false;
}

const char *hook_install(void *function, void *replacement, void **out_original)
{
    (void)function;
    (void)replacement;
    (void)out_original;
    return "built without Zydis, or not for x86-64";
}

#endif
