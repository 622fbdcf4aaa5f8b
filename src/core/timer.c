/* The pairing heap of timers. Adding takes constant time, removing logarithmic time on average. */
#include "timer.h"

#include <stddef.h>

/* Makes the later of two roots the first child of the earlier one. */
static timer *meld(timer *a, timer *b)
{
    if (a == NULL || b == NULL) {
        return a != NULL ? a : b;
    }
    if (b->at < a->at) {
        timer *earlier = b;
        b = a;
        a = earlier;
    }
    b->previous = a;
    b->next = a->child;
    if (b->next != NULL) {
        b->next->previous = b;
    }
    a->child = b;
    return a;
}

static timer *detach_first(timer **list)
{
    timer *t = *list;
    if (t != NULL) {
        *list = t->next;
        t->next = t->previous = NULL;
    }
    return t;
}

/* Melds siblings into one heap: in pairs from the first to the last, then the pairs from the last to the first. */
static timer *meld_siblings(timer *first)
{
    timer *pairs = NULL; /* linked by `next`, the last one first */
    while (first != NULL) {
        timer *a = detach_first(&first);
        timer *pair = meld(a, detach_first(&first));
        pair->next = pairs;
        pairs = pair;
    }
    timer *root = NULL;
    while (pairs != NULL) {
        root = meld(detach_first(&pairs), root);
    }
    return root;
}

static void cut(timer *t)
{
    if (t->previous->child == t) {
        t->previous->child = t->next;
    } else {
        t->previous->next = t->next;
    }
    if (t->next != NULL) {
        t->next->previous = t->previous;
    }
    t->next = t->previous = NULL;
}

void timer_heap_add(timer_heap *heap, timer *t, int64_t at)
{
    t->at = at;
    t->armed = true;
    t->child = t->next = t->previous = NULL;
    heap->root = meld(heap->root, t);
}

void timer_heap_remove(timer_heap *heap, timer *t)
{
    timer *below = meld_siblings(t->child);
    t->child = NULL;
    t->armed = false;
    if (t == heap->root) {
        heap->root = below;
        return;
    }
    cut(t);
    heap->root = meld(heap->root, below);
}
