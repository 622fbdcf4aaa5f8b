/* Loads copies of shared libraries. The dynamic linker (glibc's) must take each for a library of its own, and yet
 * bind it to what the original is bound to. So before a copy is loaded
 *   - what it needs and lies beside it is loaded: the linker then finds it by its SONAME. Or it is copied, too; then
 *     the name in the copy's DT_NEEDED is replaced by that copy's SONAME, or, if it has none, by one of the same length
 *     that only that copy has, for as long as it takes
 *   - its SONAME, if it has one, gets a name of the same length that only those look for which are bound to the copy
 *   - what C++ has once in a process (STB_GNU_UNIQUE) becomes weak, so that each copy has its own, unless a library
 *     that stays shared has it, too
 *   - by choice, destructors of static objects are not called at its end: what they would touch is gone
 * and afterwards calls that rules name are redirected (library_calls.c), and the linker's name for it becomes the
 * original's path with "/." in it: debuggers, profilers and dladdr() name the original, and whoever loads that by its
 * path gets the original itself.
 *
 * A set belongs to one interpreter; no lock is held while the linker works, since constructors may do anything. */
#include "library_copy.h"

#if defined(__linux__) && defined(__GLIBC__) && !defined(PLAT_PORTABLE)

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "library_copy_private.h"

enum { MOST_NEEDS = 256, MOST_DEPTH = 32, MARK = 6 /* characters of a name that are replaced */ };

typedef struct copy {
    struct copy *next; /* the one loaded before it */
    dev_t device;
    ino_t inode;
    void *handle;
    struct link_map *map;
    char *linkers_name; /* map's, as the linker set it */
    char *shown_name;   /* map's; ours; owned */
    char *soname;       /* that of the copy; owned; NULL: it has none of its own */
    char spelled[160];
    bool stays;
    uint64_t bytes;
} copy;

typedef struct known { /* of a file: must it be copied? */
    struct known *next;
    dev_t device;
    ino_t inode;
    bool is_private;
} known;

struct plat_copies {
    const plat_copies_rules *rules;
    void *owner;
    library_calls calls;
    bool is_left; /* a copy of it stays, or may */
    copy *last;
    known *known;
    _Atomic size_t count;
    _Atomic uint64_t bytes;
};

static _Atomic size_t live, left;
static _Atomic uint64_t live_bytes, left_bytes;

/* --- counting ----------------------------------------------------------------------------------------------------- */

static void count_loaded(plat_copies *copies, copy *c)
{
    atomic_fetch_add(&copies->count, 1);
    atomic_fetch_add(&copies->bytes, c->bytes);
    atomic_fetch_add(&live, 1);
    atomic_fetch_add(&live_bytes, c->bytes);
}

static void count_gone(plat_copies *copies, const copy *c, bool stays)
{
    atomic_fetch_sub(&copies->count, 1);
    atomic_fetch_sub(&copies->bytes, c->bytes);
    atomic_fetch_sub(&live, 1);
    atomic_fetch_sub(&live_bytes, c->bytes);
    if (stays) {
        atomic_fetch_add(&left, 1);
        atomic_fetch_add(&left_bytes, c->bytes);
    }
}

size_t plat_copies_count(const plat_copies *copies)
{
    return atomic_load(&copies->count);
}

uint64_t plat_copies_bytes(const plat_copies *copies)
{
    return atomic_load(&copies->bytes);
}

plat_copies_totals plat_copies_total(void)
{
    return (plat_copies_totals){atomic_load(&live), atomic_load(&left), atomic_load(&live_bytes),
                                atomic_load(&left_bytes)};
}

/* --- what a library wants ----------------------------------------------------------------------------------------- */

static bool wants(const elf_image *image, bool (*wanted)(const char *))
{
    for (size_t i = 0; wanted != NULL && i < image->symbol_count; i++) {
        const char *name = elf_image_wanted(image, i);
        if (name != NULL && wanted(name)) {
            return true;
        }
    }
    return false;
}

bool plat_library_wants(const char *file, bool (*wanted)(const char *symbol))
{
    elf_image image;
    const char *fault;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    bool found = false;
    if (fd >= 0 && elf_image_open(&image, fd, &fault)) {
        found = wants(&image, wanted);
        elf_image_close(&image);
    }
    if (fd >= 0) {
        close(fd);
    }
    return found;
}

static bool must_copy(plat_copies *copies, const char *file, const library_place *wanted_by, unsigned depth);

/* Does one that must be copied lie among what it needs? */
static bool needs_private(plat_copies *copies, const library_place *place, unsigned depth)
{
    bool found = false;
    for (size_t i = 0; !found && i < place->image->dynamic_count; i++) {
        const GElf_Dyn *entry = &place->image->dynamic[i];
        const char *name = entry->d_tag == DT_NEEDED ? elf_image_string(place->image, entry->d_un.d_val) : NULL;
        char *file = name != NULL ? library_find(place, name) : NULL;
        found = file != NULL && must_copy(copies, file, place, depth + 1);
        plat_free(file);
    }
    return found;
}

static bool may_be_shared(const plat_copies *copies, const char *file)
{
    const char *slash = strrchr(file, '/');
    return copies->rules->may_be_shared == NULL || copies->rules->may_be_shared(slash != NULL ? slash + 1 : file);
}

static known *know(plat_copies *copies, const struct stat *about)
{
    known *k = copies->known;
    while (k != NULL && (k->device != about->st_dev || k->inode != about->st_ino)) {
        k = k->next;
    }
    return k;
}

static bool must_copy(plat_copies *copies, const char *file, const library_place *wanted_by, unsigned depth)
{
    elf_image image;
    struct stat about;
    const char *fault;
    bool answer = false;
    int fd = depth < MOST_DEPTH && copies->rules->is_private != NULL ? open(file, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) {
        return false;
    }
    known *k = fstat(fd, &about) == 0 ? know(copies, &about) : NULL;
    if (k == NULL && elf_image_open(&image, fd, &fault)) {
        k = plat_calloc(1, sizeof *k);
        if (k != NULL) { /* before the look at its needs, which may form a ring */
            *k = (known){copies->known, about.st_dev, about.st_ino,
                         !may_be_shared(copies, file) || wants(&image, copies->rules->is_private)};
            copies->known = k;
            const library_place place = {file, &image, wanted_by};
            k->is_private = k->is_private || needs_private(copies, &place, depth);
        }
        elf_image_close(&image);
    }
    answer = k != NULL && k->is_private;
    close(fd);
    return answer;
}

/* --- what is needed, before it is loaded -------------------------------------------------------------------------- */

typedef struct need {             /* one DT_NEEDED */
    void *shared;                 /* held until the copy is loaded; or */
    copy *own;                    /* the set's, which has the name `alias` until then */
    char *alias, *name_meanwhile; /* alias NULL: the linker finds it by its SONAME */
} need;

typedef struct loading {
    plat_copies *copies;
    library_place place;
    library_file bytes;
    need needs[MOST_NEEDS];
    size_t need_count;
    unsigned depth;
    char *soname; /* the copy's; owned until the copy has it */
    char **out_error;
} loading;

static copy *load(plat_copies *copies, const char *file, const library_place *wanted_by, unsigned depth,
                  char **out_error);

/* A name of the same length that nothing else has; plat_free. NULL: it is too short, or no memory. */
static char *other_name(const char *name)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    char *other = strlen(name) > MARK ? plat_strdup(name) : NULL;
    if (other != NULL) {
        unsigned number = library_number();
        other[0] = '@';
        for (int i = MARK - 1; i > 0; i--) {
            other[i] = digits[number % 36];
            number /= 36;
        }
    }
    return other;
}

static bool fail(loading *l, const char *what, const char *about)
{
    *l->out_error = plat_printf("%s: %s: %s", l->place.file, what, about);
    return false;
}

/* Linkers let a longer string end with one that is needed, too. */
static bool is_alone(const loading *l, size_t string)
{
    const char *text = string > 0 ? elf_image_string(l->place.image, string) : NULL;
    return text != NULL && text[-1] == '\0';
}

/* The SONAME of a copy is what the one of the original became by other_name(). */
static bool is_other_name(const char *other, const char *name)
{
    return other != NULL && strlen(other) == strlen(name) && strcmp(other + MARK, name + MARK) == 0;
}

/* `wanted`: the name to take, if it can be; NULL: any. */
static char *rename_string(loading *l, size_t index, const char *wanted)
{
    const char *name = elf_image_string(l->place.image, index);
    char *other = NULL;
    if (is_alone(l, index)) {
        other = is_other_name(wanted, name) ? plat_strdup(wanted) : other_name(name);
    }
    if (other == NULL) {
        fail(l, "a name of a library can't be replaced", name != NULL ? name : "?");
    } else if (!library_file_patch(&l->bytes, l->place.image->strings + index, other, MARK)) {
        fail(l, "its copy can't be written", strerror(errno));
        plat_free(other);
        other = NULL;
    }
    return other;
}

static void *open_shared(const char *file, const library_place *wanted_by, unsigned depth);

/* What lies beside a library is found by the DT_RPATH of who wanted it; opened by itself it is loaded after its
 * needs. */
static void *open_after_needs(const char *file, const library_place *place, unsigned depth)
{
    size_t count = place->image->dynamic_count;
    void **held = plat_calloc(count, sizeof *held), *handle = NULL;
    for (size_t i = 0; held != NULL && i < count; i++) {
        const GElf_Dyn *entry = &place->image->dynamic[i];
        const char *name = entry->d_tag == DT_NEEDED ? elf_image_string(place->image, entry->d_un.d_val) : NULL;
        char *beside = name != NULL ? library_find(place, name) : NULL;
        held[i] = beside != NULL ? open_shared(beside, place, depth + 1) : NULL;
        plat_free(beside);
    }
    if (held != NULL) {
        handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    }
    for (size_t i = 0; held != NULL && i < count; i++) {
        if (held[i] != NULL) {
            dlclose(held[i]);
        }
    }
    plat_free(held);
    return handle;
}

static void *open_shared(const char *file, const library_place *wanted_by, unsigned depth)
{
    elf_image image;
    const char *fault;
    void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    int fd = handle == NULL && depth < MOST_DEPTH ? open(file, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0 && elf_image_open(&image, fd, &fault)) {
        const library_place place = {file, &image, wanted_by};
        handle = open_after_needs(file, &place, depth);
        elf_image_close(&image);
    }
    if (fd >= 0) {
        close(fd);
    }
    return handle;
}

static bool take_own(loading *l, need *n, const char *file, size_t string)
{
    n->own = load(l->copies, file, &l->place, l->depth + 1, l->out_error);
    char *name = n->own != NULL ? rename_string(l, string, n->own->soname) : NULL;
    if (name != NULL && n->own->soname != NULL && strcmp(name, n->own->soname) == 0) {
        plat_free(name);
        return true;
    }
    n->alias = name;
    return name != NULL;
}

static bool is_being_loaded(const library_place *place, const char *file)
{
    struct stat about, other;
    bool found = false;
    if (stat(file, &about) == 0) {
        for (; place != NULL && !found; place = place->wanted_by) {
            found = stat(place->file, &other) == 0 && about.st_dev == other.st_dev && about.st_ino == other.st_ino;
        }
    }
    return found;
}

/* Where libraries need each other (FreeType and HarfBuzz), the last of the ring is bound to the original of the first.
 * One that must be private can't be: then loading fails. */
static bool closes_ring(const loading *l, const char *file)
{
    return is_being_loaded(&l->place, file) && !plat_library_wants(file, l->copies->rules->is_private);
}

/* What can't be loaded is not there for the copy either, and the linker will say so. */
static bool take_need(loading *l, const GElf_Dyn *entry)
{
    size_t string = (size_t)entry->d_un.d_val;
    const char *name = elf_image_string(l->place.image, string);
    char *file = name != NULL ? library_find(&l->place, name) : NULL;
    need *n = &l->needs[l->need_count++];
    bool fine = true;
    if (file != NULL && must_copy(l->copies, file, &l->place, l->depth) && !closes_ring(l, file)) {
        fine = take_own(l, n, file, string);
    } else if (name != NULL) {
        n->shared = file != NULL ? open_shared(file, &l->place, l->depth) : dlopen(name, RTLD_NOW | RTLD_LOCAL);
    }
    plat_free(file);
    return fine;
}

static bool take_needs(loading *l)
{
    bool fine = true;
    for (size_t i = 0; fine && i < l->place.image->dynamic_count; i++) {
        if (l->place.image->dynamic[i].d_tag == DT_NEEDED) {
            fine = l->need_count < MOST_NEEDS ? take_need(l, &l->place.image->dynamic[i])
                                              : fail(l, "it needs", "too many libraries");
        }
    }
    return fine;
}

/* For as long as the linker looks for it. */
static void lend_aliases(loading *l)
{
    for (size_t i = 0; i < l->need_count; i++) {
        need *n = &l->needs[i];
        if (n->own != NULL && n->alias != NULL) {
            n->name_meanwhile = n->own->map->l_name;
            n->own->map->l_name = n->alias;
        }
    }
}

static void forget_needs(loading *l)
{
    for (size_t i = l->need_count; i > 0; i--) {
        need *n = &l->needs[i - 1];
        if (n->name_meanwhile != NULL) {
            n->own->map->l_name = n->name_meanwhile;
        }
        if (n->shared != NULL) {
            dlclose(n->shared);
        }
        plat_free(n->alias);
    }
}

/* --- the copy's own words ----------------------------------------------------------------------------------------- */

static bool rename_soname(loading *l)
{
    for (size_t i = 0; i < l->place.image->dynamic_count; i++) {
        const GElf_Dyn *entry = &l->place.image->dynamic[i];
        const char *name = entry->d_tag == DT_SONAME ? elf_image_string(l->place.image, (size_t)entry->d_un.d_val)
                                                     : NULL;
        if (name != NULL && strlen(name) > MARK && is_alone(l, (size_t)entry->d_un.d_val)) {
            l->soname = rename_string(l, (size_t)entry->d_un.d_val, NULL);
            return l->soname != NULL;
        }
    }
    return true;
}

static bool is_shared(const loading *l, const char *symbol)
{
    for (size_t i = 0; i < l->need_count; i++) {
        if (l->needs[i].shared != NULL && dlsym(l->needs[i].shared, symbol) != NULL) {
            return true;
        }
    }
    return false;
}

static bool weaken_unique(loading *l)
{
    const elf_image *image = l->place.image;
    for (size_t i = 0; i < image->symbol_count; i++) {
        const char *symbol = elf_image_unique(image, i);
        GElf_Sym now;
        if (symbol != NULL && !is_shared(l, symbol) && gelf_getsym(image->symbol_data, (int)i, &now) != NULL) {
            unsigned char info = GELF_ST_INFO(STB_WEAK, GELF_ST_TYPE(now.st_info));
            if (!library_file_patch(&l->bytes, elf_image_binding(image, i), &info, 1)) {
                return fail(l, "its copy can't be written", strerror(errno));
            }
        }
    }
    return true;
}

/* Where destructors of C++ are announced there is a call without effect instead: of the same version of libc, and
 * with a result that compilers don't look at. */
static bool silence_announcements(loading *l)
{
    static const char announce[] = "__cxa_atexit", harmless[] = "getpid";
    const elf_image *image = l->place.image;
    for (size_t i = 0; i < image->symbol_count; i++) {
        const char *name = elf_image_wanted(image, i);
        GElf_Sym symbol;
        if (name != NULL && strcmp(name, announce) == 0 && gelf_getsym(image->symbol_data, (int)i, &symbol) != NULL &&
            !library_file_patch(&l->bytes, image->strings + symbol.st_name, harmless, sizeof harmless)) {
            return fail(l, "its copy can't be written", strerror(errno));
        }
    }
    return true;
}

static bool silence_destructors(loading *l)
{
    const elf_image *image = l->place.image;
    const uintptr_t none = 0;
    bool silent = l->copies->rules->silent_end && wants(image, l->copies->rules->is_private);
    for (size_t i = 0; silent && i < image->dynamic_count; i++) {
        if (image->dynamic[i].d_tag == DT_FINI_ARRAYSZ &&
            !library_file_write(&l->bytes, elf_image_value(image, i), &none, sizeof none)) {
            return fail(l, "its copy can't be written", strerror(errno));
        }
    }
    return !silent || silence_announcements(l);
}

/* --- loading ------------------------------------------------------------------------------------------------------ */

/* "/a/b/x.so" becomes "/a/b/././x.so", with as many dots as make it a name of its own for the copy. */
static char *shown_name(const char *file)
{
    const char *slash = strrchr(file, '/');
    const char *name = slash != NULL ? slash + 1 : file;
    char dots[80], *end = dots;
    for (unsigned number = library_number(); number > 0; number >>= 1) {
        end += sprintf(end, number % 2 == 1 ? "/." : "/");
    }
    return plat_printf("%.*s%s/%s", slash != NULL ? (int)(slash - file) : 1, slash != NULL ? file : ".", dots, name);
}

static void show_original(copy *c, const char *file)
{
    c->linkers_name = c->map->l_name;
    c->shown_name = shown_name(file);
    if (c->shown_name != NULL) {
        __atomic_store_n(&c->map->l_name, c->shown_name, __ATOMIC_RELEASE);
    }
}

/* The linker speaks of the copy's name. */
static char *linkers_error(const loading *l)
{
    const char *text = dlerror();
    size_t len = strlen(l->bytes.name);
    text = text != NULL ? text : "the dynamic linker gave no reason";
    return strncmp(text, l->bytes.name, len) == 0 ? plat_printf("%s%s", l->place.file, text + len) : plat_strdup(text);
}

static bool link_copy(loading *l, copy *c)
{
    plat_copies *copies = l->copies;
    c->handle = dlopen(l->bytes.name, RTLD_NOW | RTLD_LOCAL);
    if (c->handle == NULL || dlinfo(c->handle, RTLD_DI_LINKMAP, &c->map) != 0) {
        *l->out_error = linkers_error(l);
        return false;
    }
    int error = library_calls_redirect(&copies->calls, copies->rules->calls, copies->owner, l->place.image, c->map);
    if (error != 0) {
        fail(l, "its calls can't be redirected", strerror(error));
        copies->is_left = true; /* its constructors have run */
    }
    return error == 0;
}

static copy *open_copy(loading *l, const struct stat *about)
{
    copy *c = plat_calloc(1, sizeof *c);
    if (c == NULL) {
        return NULL;
    }
    c->device = about->st_dev;
    c->inode = about->st_ino;
    memcpy(c->spelled, l->bytes.name, sizeof c->spelled);
    c->stays = l->place.image->no_delete || wants(l->place.image, l->copies->rules->stays);
    lend_aliases(l);
    if (!link_copy(l, c)) {
        plat_free(c);
        return NULL;
    }
    c->soname = l->soname;
    l->soname = NULL;
    c->bytes = library_share_pages(&l->bytes, l->place.image, c->map);
    show_original(c, l->place.file);
    return c;
}

static copy *make(loading *l, int fd, const struct stat *about)
{
    const char *name = strrchr(l->place.file, '/');
    copy *c = NULL;
    if (!library_file_make(&l->bytes, fd, name != NULL ? name + 1 : l->place.file, l->out_error)) {
        return NULL;
    }
    if (take_needs(l) && rename_soname(l) && weaken_unique(l) && silence_destructors(l)) {
        c = open_copy(l, about);
    }
    forget_needs(l);
    plat_free(l->soname);
    library_file_close(&l->bytes);
    if (c != NULL) {
        c->next = l->copies->last;
        l->copies->last = c;
        count_loaded(l->copies, c);
    }
    return c;
}

static copy *find(const plat_copies *copies, const struct stat *about)
{
    copy *c = copies->last;
    while (c != NULL && (c->device != about->st_dev || c->inode != about->st_ino)) {
        c = c->next;
    }
    return c;
}

static copy *load_open(plat_copies *copies, const char *file, int fd, const library_place *wanted_by, unsigned depth,
                       char **out_error)
{
    struct stat about;
    elf_image image;
    const char *fault;
    copy *c = fstat(fd, &about) == 0 ? find(copies, &about) : NULL;
    loading *l = c == NULL ? plat_calloc(1, sizeof *l) : NULL;
    if (l == NULL) {
        return c;
    }
    if (elf_image_open(&image, fd, &fault)) {
        l->copies = copies;
        l->place = (library_place){file, &image, wanted_by};
        l->depth = depth;
        l->out_error = out_error;
        c = make(l, fd, &about);
        elf_image_close(&image);
    } else {
        *out_error = plat_printf("%s: %s", file, fault);
    }
    plat_free(l);
    return c;
}

static copy *load(plat_copies *copies, const char *file, const library_place *wanted_by, unsigned depth,
                  char **out_error)
{
    int fd = depth < MOST_DEPTH ? open(file, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) {
        *out_error = plat_printf("%s: %s", file, depth < MOST_DEPTH ? strerror(errno) : "libraries need each other");
        return NULL;
    }
    copy *c = load_open(copies, file, fd, wanted_by, depth, out_error);
    close(fd);
    return c;
}

void *plat_copies_load(plat_copies *copies, const char *file, char **out_error)
{
    *out_error = NULL;
    copy *c = load(copies, file, NULL, 0, out_error);
    return c != NULL ? c->handle : NULL;
}

/* --- unloading ---------------------------------------------------------------------------------------------------- */

typedef struct search {
    const char *name;
    bool found;
} search;

static int look(struct dl_phdr_info *library, size_t size, void *arg)
{
    search *s = arg;
    (void)size;
    s->found = s->found || strcmp(library->dlpi_name, s->name) == 0;
    return s->found;
}

/* false: something else still has it loaded. */
static bool unload(copy *c)
{
    if (c->shown_name != NULL) { /* the linker frees its own */
        __atomic_store_n(&c->map->l_name, c->linkers_name, __ATOMIC_RELEASE);
    }
    dlclose(c->handle);
    search still = {.name = c->spelled};
    dl_iterate_phdr(look, &still);
    plat_free(c->shown_name);
    return !still.found;
}

/* What stays keeps its shown name: that is never freed then. */
static void end_copy(plat_copies *copies, copy *c, bool close)
{
    bool stays = !close || c->stays || !unload(c);
    copies->is_left = copies->is_left || stays;
    count_gone(copies, c, stays);
    plat_free(c->soname);
    plat_free(c);
}

void plat_copies_drop(plat_copies *copies, size_t count)
{
    while (copies->last != NULL && atomic_load(&copies->count) > count) {
        copy *c = copies->last;
        copies->last = c->next;
        end_copy(copies, c, true);
    }
}

plat_copies *plat_copies_new(const plat_copies_rules *rules, void *owner)
{
    plat_copies *copies = plat_calloc(1, sizeof *copies);
    if (copies != NULL) {
        copies->rules = rules;
        copies->owner = owner;
    }
    return copies;
}

bool plat_copies_free(plat_copies *copies, bool close)
{
    if (copies == NULL) {
        return true;
    }
    while (copies->last != NULL) {
        copy *c = copies->last;
        copies->last = c->next;
        end_copy(copies, c, close);
    }
    while (copies->known != NULL) {
        known *k = copies->known;
        copies->known = k->next;
        plat_free(k);
    }
    bool is_named = copies->is_left && copies->calls.code != NULL; /* by the code that a copy calls */
    if (!is_named) {
        library_calls_free(&copies->calls);
    }
    plat_free(copies);
    return !is_named;
}

#else

#include "platform.h"

struct plat_copies {
    char nothing;
};

plat_copies *plat_copies_new(const plat_copies_rules *rules, void *owner)
{
    (void)rules;
    (void)owner;
    return plat_calloc(1, sizeof(plat_copies));
}

bool plat_copies_free(plat_copies *copies, bool close)
{
    (void)close;
    plat_free(copies);
    return true;
}

void *plat_copies_load(plat_copies *copies, const char *file, char **out_error)
{
    (void)copies;
    *out_error = plat_printf("%s: copies of libraries are made on Linux with glibc only", file);
    return NULL;
}

void plat_copies_drop(plat_copies *copies, size_t count)
{
    (void)copies;
    (void)count;
}

size_t plat_copies_count(const plat_copies *copies)
{
    (void)copies;
    return 0;
}

uint64_t plat_copies_bytes(const plat_copies *copies)
{
    (void)copies;
    return 0;
}

plat_copies_totals plat_copies_total(void)
{
    return (plat_copies_totals){0, 0, 0, 0};
}

bool plat_library_wants(const char *file, bool (*wanted)(const char *symbol))
{
    (void)file;
    (void)wanted;
    return false;
}

void plat_copies_begin_with(plat_copy_medium medium)
{
    (void)medium;
}

#endif
