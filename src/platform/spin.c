/* Looking before sleeping. To wake a thread takes a few microseconds where its core is busy, and some 50 where the
 * core has gone idle (in a virtual machine): longer than most calls take. So a thread that is about to wait looks
 * for a moment first, and lets others have its core between two looks.
 *
 * Each thread learns whether that is worth it: a look in vain doubles the number of waits that sleep at once, and a
 * sleep that a look would have saved halves it. With one core nobody looks, and never more threads at once than two
 * for each core. Any thread. */
#include "spin.h"

#include <sched.h>
#include <unistd.h>

enum {
    LOOK_NS = 200000,  /* the longest look: what a worker takes for a thousand values */
    CHEAP_NS = 15000,  /* a sleep as short as this costs no more than looking */
    MOST_SLEEPS = 255, /* in a row, after looks in vain */
    LOOKS_A_YIELD = 20,
};

static _Thread_local struct {
    unsigned to_sleep; /* so many waits from now sleep at once */
    unsigned in_vain;  /* what to_sleep becomes after the next look in vain */
} experience;

static _Atomic int looking;

#if defined(__x86_64__) || defined(__i386__)
#define RELAX() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define RELAX() __asm__ volatile("isb")
#else
#define RELAX() ((void)0)
#endif

static int count_cores(void)
{
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) == 0) {
        return CPU_COUNT(&set);
    }
#endif
    return (int)sysconf(_SC_NPROCESSORS_ONLN);
}

static int cores(void)
{
    static _Atomic int known;
    int count = atomic_load_explicit(&known, memory_order_relaxed);
    if (count == 0) {
        count = count_cores();
        atomic_store_explicit(&known, count, memory_order_relaxed);
    }
    return count;
}

/* More than one for each core: they yield, and one that has just been answered is still counted for a moment. */
static bool may_look(void)
{
    int others = atomic_fetch_add_explicit(&looking, 1, memory_order_relaxed);
    return cores() > 1 && others < 2 * cores();
}

static bool look(const plat_gate *gate, int64_t until)
{
    do {
        for (int i = 0; i < LOOKS_A_YIELD; i++) {
            if (plat_gate_is_open(gate)) {
                return true;
            }
            RELAX();
        }
        sched_yield();
    } while (plat_now() < until);
    return plat_gate_is_open(gate);
}

static unsigned more(unsigned in_vain)
{
    return in_vain < MOST_SLEEPS / 2 ? in_vain * 2 + 1 : MOST_SLEEPS;
}

spin_result spin_before_sleep(const plat_gate *gate, int64_t deadline)
{
    if (experience.to_sleep > 0) {
        experience.to_sleep--;
        return SPIN_NOT_WANTED;
    }
    spin_result result = SPIN_NOT_WANTED;
    if (may_look()) {
        int64_t until = plat_now() + LOOK_NS;
        result = look(gate, until < deadline ? until : deadline) ? SPIN_OPEN : SPIN_IN_VAIN;
        experience.in_vain = result == SPIN_OPEN ? 0 : more(experience.in_vain);
        experience.to_sleep = experience.in_vain;
    }
    atomic_fetch_sub_explicit(&looking, 1, memory_order_relaxed);
    return result;
}

void spin_learn_from_sleep(int64_t ns)
{
    if (ns > CHEAP_NS && ns < LOOK_NS) {
        experience.to_sleep /= 2;
        experience.in_vain /= 2;
    }
}
