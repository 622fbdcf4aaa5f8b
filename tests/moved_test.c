/* Large bytes that their sender does not keep: the receiver gets the object itself, and its memory is the receiver's
 * from then on. What somebody else still has is copied. */
#include <sched.h>

#include <isles/queue.h>

#include "budgets.h"

typedef struct pair {
    isle_interp owner, user;
} pair;

static const char sends[] = "import isles, sys\nq = isles.create_queue(name='bytes')\n"
                            "def send(size=1 << 20):\n"
                            "    made = b'x' * size\n"
                            "    q.put(made)\n"
                            "    q.put(id(made))\n";
static const char gets[] = "import isles, sys\nq = isles.find_queue('bytes')\n"
                           "def get(size=1 << 20):\n"
                           "    got = q.get(timeout=10)\n"
                           "    assert type(got) is bytes and got == b'x' * size\n"
                           "    return got, q.get(timeout=10)\n"
                           "def moved():\n"
                           "    got, sent = get()\n"
                           "    return id(got) == sent\n";

static pair pair_create(const isle_budgets *of_user)
{
    pair p = {create(NULL), create_with(of_user)};
    run(p.owner, sends);
    run(p.user, gets);
    return p;
}

static void pair_end(pair p)
{
    end(p.owner);
    end(p.user);
}

static void test_the_object_itself_comes(void **state)
{
    (void)state;
    NEEDS_MEMORY_COUNTED();
    pair p = pair_create(NULL);
    for (int i = 0; i < 3; i++) {
        run(p.owner, "send()");
        check_eval(p.user, "moved()", "True");
    }
    run(p.owner, "a, b = bytes(100_000), b'b' * 100_000; ids = id(a), id(b)\n"
                 "h = hash(a); q.put({'a': a, 'b': [b]}); q.put((ids, h)); del a, b");
    run(p.user, "got, (ids, h) = q.get(), q.get()\n"
                "assert (id(got['a']), id(got['b'][0])) == ids and {got['a']: 1}[bytes(100_000)] == 1\n"
                "assert hash(got['a']) == h and got['b'][0] == b'b' * 100_000");
    pair_end(p);
}

/* What the sender keeps, or what comes twice, is copied; all are whole. */
static void test_what_others_have_is_copied(void **state)
{
    (void)state;
    pair p = pair_create(NULL);
    run(p.owner, "kept = b'x' * (1 << 20); q.put(kept); q.put(id(kept))");
    check_eval(p.user, "moved()", "False");
    run(p.owner, "assert kept == b'x' * (1 << 20) and sys.getrefcount(kept) < 5; del kept");

    run(p.owner, "twice = b'y' * 100_000; q.put([twice, twice]); del twice");
    run(p.user, "one, other = q.get(); assert one == other == b'y' * 100_000; del one");
    run(p.user, "assert other == b'y' * 100_000");

    run(p.owner, "both = b'z' * 100_000; q.put(both); q.put(both); del both");
    run(p.user, "one = q.get(); assert one == b'z' * 100_000");
    run(p.user, "other = q.get(); del one; assert other == b'z' * 100_000");

    run(p.owner, "seen = memoryview(b'x' * (1 << 20)); q.put(seen.obj); q.put(id(seen.obj))");
    check_eval(p.user, "moved()", "False");
    run(p.owner, "assert seen == b'x' * (1 << 20)");
    pair_end(p);
}

/* The host reads a message and sends it on. */
static void test_what_the_host_has_is_copied(void **state)
{
    (void)state;
    pair p = pair_create(NULL);
    isle_error *err = NULL;
    isle_queue *q = NULL;
    isle_value *value = NULL;
    check_status(isle_queue_find("bytes", &q, &err), ISLE_OK, err);
    run(p.owner, "q.put(b'x' * (1 << 20)); q.put(0)");
    check_status(isle_queue_get(q, SOON, &value, &err), ISLE_OK, err);
    check_status(isle_queue_put(q, value, SOON, &err), ISLE_OK, err);
    run(p.user, "zero = q.get(); got = q.get(); assert got == b'x' * (1 << 20)");
    run(p.owner, "send(1 << 19); more = [bytes(1 << 20) for i in range(9)]");
    size_t len;
    const char *data = isle_value_as_bytes(value, &len);
    check(len == 1 << 20 && data[0] == 'x' && data[len - 1] == 'x');
    run(p.user, "assert got == b'x' * (1 << 20); get(1 << 19)");
    isle_value_free(value);
    isle_queue_free(q);
    pair_end(p);
}

static int64_t used(isle_interp it)
{
    return (int64_t)usage_of(it).memory_bytes.used;
}

static bool is_about(int64_t bytes, int64_t wanted)
{
    return bytes > wanted - (int64_t)MIB / 4 && bytes < wanted + (int64_t)MIB / 4;
}

static void test_it_is_counted_to_who_has_it(void **state)
{
    (void)state;
    NEEDS_MEMORY_COUNTED();
    pair p = pair_create(NULL);
    run(p.owner, "send()");
    check_eval(p.user, "moved()", "True");
    int64_t owner = used(p.owner), user = used(p.user);
    run(p.owner, "send(8 << 20)");
    check(is_about(used(p.owner), owner + 8 * (int64_t)MIB));
    run(p.user, "got, sent = get(8 << 20); assert id(got) == sent");
    check(is_about(used(p.owner), owner) && is_about(used(p.user), user + 8 * (int64_t)MIB));
    run(p.user, "del got");
    check(is_about(used(p.user), user));
    pair_end(p);
}

/* Where it has no room nothing is left behind, neither here nor there. */
static void test_a_receiver_at_its_limit(void **state)
{
    (void)state;
    NEEDS_MEMORY_COUNTED();
    isle_budgets budgets = ISLE_BUDGETS_INIT;
    budgets.memory_bytes.hard = 24 * MIB;
    pair p = pair_create(&budgets);
    run(p.owner, "send(); q.put(b'x' * (32 << 20)); send()");
    check_eval(p.user, "moved()", "True");
    int64_t user = used(p.user);
    run(p.user, "try: q.get()\nexcept MemoryError: pass\nelse: assert False");
    check(is_about(used(p.user), user));
    check(usage_of(p.user).memory_bytes.reached >= 1);
    check_eval(p.user, "moved()", "True");
    int64_t until = SOON;
    while (used(p.owner) > 16 * (int64_t)MIB) { /* its home thread releases it */
        check(isle_now() < until);
        sched_yield();
    }
    pair_end(p);
}

/* CPython counts the blocks of an interpreter, and frees its memory at its end if none is left. */
static void test_cpython_counts_its_blocks_right(void **state)
{
    (void)state;
    NEEDS_MEMORY_COUNTED();
    pair p = pair_create(NULL);
    const char remember[] = "import gc; gc.collect(); before = sys.getallocatedblocks()";
    run(p.owner, remember);
    run(p.user, remember);
    for (int i = 0; i < 10; i++) {
        run(p.owner, "for i in range(100): send()");
        run(p.user, "for i in range(100): assert moved()");
    }
    run(p.owner, "pass"); /* what was let go of is released between jobs */
    const char compare[] = "gc.collect(); more = sys.getallocatedblocks() - before; assert abs(more) < 300, more";
    run(p.owner, compare);
    run(p.user, compare);
    pair_end(p);
}

/* The owner's end copies what nobody has, while the user takes it. */
static void test_the_owner_ends_meanwhile(void **state)
{
    (void)state;
    isle_interp user = create(NULL);
    run(user, "import isles; q = isles.create_queue(name='ending')");
    for (int i = 0; i < 100; i++) {
        isle_interp owner = create(NULL);
        run(owner, "import isles; q = isles.find_queue('ending')");
        isle_job *job = submit(user,
                               "kept = [q.get(timeout=20) for i in range(40)]\n"
                               "assert all(b == bytes([i]) * 100_000 for i, b in enumerate(kept))",
                               ISLE_FOREVER);
        run(owner, "for i in range(40): q.put(bytes([i]) * 100_000)");
        end(owner);
        isle_error *err = NULL;
        check_status(wait_for(job, &err), ISLE_OK, err);
    }
    end(user);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_object_itself_comes),     cmocka_unit_test(test_what_others_have_is_copied),
        cmocka_unit_test(test_what_the_host_has_is_copied), cmocka_unit_test(test_it_is_counted_to_who_has_it),
        cmocka_unit_test(test_a_receiver_at_its_limit),     cmocka_unit_test(test_cpython_counts_its_blocks_right),
        cmocka_unit_test(test_the_owner_ends_meanwhile),
    };
    return RUN_TESTS(tests);
}
