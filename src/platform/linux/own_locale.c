/* A locale of a thread's own (plat_own), with glibc. It is one `struct __locale_struct`, which all threads of it use
 * (uselocale) and which a change writes to in place: so threads that run already follow. What its categories point to
 * are locales of one category each, loaded once for each name and never freed, since any thread may be reading them.
 * <locale.h> shows the struct; whether it is what it seems is tried before it is used.
 *
 * plat_setlocale and plat_localeconv are what CPython, and native code where it is interposed, call in place of
 * libc's. */
#include "own.h"

#include <errno.h>

#if defined(__linux__) && defined(__GLIBC__) && !defined(PLAT_PORTABLE)

#include <ctype.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

enum { CATEGORIES = 12, MOST_LOADED = 4096, MOST_ANSWERS = 1024, ANSWER_SIZE = 2048 };

static const struct {
    int number;
    const char *name;
} categories[CATEGORIES] = {
    {LC_CTYPE, "LC_CTYPE"},
    {LC_NUMERIC, "LC_NUMERIC"},
    {LC_TIME, "LC_TIME"},
    {LC_COLLATE, "LC_COLLATE"},
    {LC_MONETARY, "LC_MONETARY"},
    {LC_MESSAGES, "LC_MESSAGES"},
    {LC_PAPER, "LC_PAPER"},
    {LC_NAME, "LC_NAME"},
    {LC_ADDRESS, "LC_ADDRESS"},
    {LC_TELEPHONE, "LC_TELEPHONE"},
    {LC_MEASUREMENT, "LC_MEASUREMENT"},
    {LC_IDENTIFICATION, "LC_IDENTIFICATION"},
}; /* in the order in which setlocale(LC_ALL, NULL) names them */

typedef struct loaded {
    struct loaded *next;
    int category; /* an index of the table above */
    locale_t locale;
    char asked[];
} loaded;

typedef struct own_locale {
    plat_lock lock; /* its changes */
    struct __locale_struct now;
    char answer[ANSWER_SIZE]; /* of the last question for all of it */
} own_locale;

/* --- locales of one category, for the life of the process ------------------------------------------------------- */

static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;
static loaded *all_loaded;
static size_t loaded_count;

/* NULL and errno: ENOENT: there is none of that name; ENOMEM. */
static loaded *load_anew(int category, const char *name)
{
    size_t size = strlen(name) + 1;
    loaded *l = loaded_count < MOST_LOADED ? own_keep(sizeof *l + size) : NULL;
    if (l == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    locale_t locale = newlocale(1 << categories[category].number, name, (locale_t)0);
    if (locale == (locale_t)0) {
        int error = errno;
        own_keep_not(l);
        errno = error == ENOMEM ? ENOMEM : ENOENT;
        return NULL;
    }
    *l = (loaded){.next = all_loaded, .category = category, .locale = locale};
    memcpy(l->asked, name, size);
    loaded_count++;
    return all_loaded = l;
}

static locale_t load(int category, const char *name)
{
    pthread_mutex_lock(&loading);
    loaded *l = all_loaded;
    while (l != NULL && (l->category != category || strcmp(l->asked, name) != 0)) {
        l = l->next;
    }
    l = l != NULL ? l : load_anew(category, name);
    pthread_mutex_unlock(&loading);
    return l != NULL ? l->locale : (locale_t)0;
}

/* --- a whole one ------------------------------------------------------------------------------------------------ */

static void put(struct __locale_struct *to, int category, locale_t from)
{
    int number = categories[category].number;
    __atomic_store_n(&to->__locales[number], from->__locales[number], __ATOMIC_RELEASE);
    __atomic_store_n(&to->__names[number], from->__names[number], __ATOMIC_RELEASE);
    if (number == LC_CTYPE) {
        __atomic_store_n(&to->__ctype_b, from->__ctype_b, __ATOMIC_RELEASE);
        __atomic_store_n(&to->__ctype_tolower, from->__ctype_tolower, __ATOMIC_RELEASE);
        __atomic_store_n(&to->__ctype_toupper, from->__ctype_toupper, __ATOMIC_RELEASE);
    }
}

static const char *name_in(const struct __locale_struct *l, int category)
{
    return __atomic_load_n(&l->__names[categories[category].number], __ATOMIC_ACQUIRE);
}

static int index_of(int category)
{
    for (int i = 0; i < CATEGORIES; i++) {
        if (categories[i].number == category) {
            return i;
        }
    }
    return -1;
}

/* All twelve at once, with their names: "LC_CTYPE=a;LC_NUMERIC=b;...", or one name where they are the same. false: it
 * is too long. */
static bool spell(const struct __locale_struct *l, char *out, size_t size)
{
    bool same = true;
    size_t length = 0;
    for (int i = 1; i < CATEGORIES; i++) {
        same &= strcmp(name_in(l, i), name_in(l, 0)) == 0;
    }
    for (int i = 0; i < CATEGORIES && length < size; i++) {
        const char *name = name_in(l, i);
        int more = same ? snprintf(out, size, "%s", name)
                        : snprintf(out + length, size - length, "%s%s=%s", i > 0 ? ";" : "", categories[i].name, name);
        length += (size_t)more;
        if (same) {
            break;
        }
    }
    return length < size;
}

bool plat_locale_category(size_t index, int *out_number, const char **out_name)
{
    if (index >= CATEGORIES) {
        return false;
    }
    *out_number = categories[index].number;
    *out_name = categories[index].name;
    return true;
}

/* What "" means, as libc has it. */
static const char *name_of_variables(const plat_own *own, int category)
{
    const char *name = own_variable(own, "LC_ALL");
    name = name != NULL ? name : own_variable(own, categories[category].name);
    name = name != NULL ? name : own_variable(own, "LANG");
    return name != NULL ? name : "C";
}

/* The part of a composite name that is this category's, copied. false: there is none. */
static bool part_of(const char *composite, int category, char *out, size_t size)
{
    size_t length = strlen(categories[category].name);
    const char *part = composite;
    while (part != NULL && (strncmp(part, categories[category].name, length) != 0 || part[length] != '=')) {
        part = strchr(part, ';');
        part = part != NULL ? part + 1 : NULL;
    }
    if (part == NULL) {
        return false;
    }
    part += length + 1;
    size_t end = strcspn(part, ";");
    if (end >= size) {
        return false;
    }
    memcpy(out, part, end);
    out[end] = '\0';
    return true;
}

static locale_t find(const plat_own *own, int category, const char *name)
{
    char part[256];
    if (strchr(name, ';') != NULL) {
        name = part_of(name, category, part, sizeof part) ? part : "/";
    }
    return load(category, name[0] != '\0' ? name : name_of_variables(own, category));
}

/* `only`: an index, or -1 for all. Nothing is changed where one can't be had. */
static bool change(const plat_own *own, own_locale *l, int only, const char *name)
{
    locale_t found[CATEGORIES] = {0};
    for (int i = 0; i < CATEGORIES; i++) {
        if (only < 0 || only == i) {
            found[i] = find(own, i, name);
            if (found[i] == (locale_t)0) {
                return false;
            }
        }
    }
    plat_lock_take(&l->lock);
    for (int i = 0; i < CATEGORIES; i++) {
        if (found[i] != (locale_t)0) {
            put(&l->now, i, found[i]);
        }
    }
    plat_lock_give(&l->lock);
    return true;
}

static char *set(const plat_own *own, int category, const char *name)
{
    own_locale *l = own->locale;
    int only = category == LC_ALL ? -1 : index_of(category);
    if ((only < 0 && category != LC_ALL) || (name != NULL && !change(own, l, only, name))) {
        return NULL;
    }
    if (name != NULL) {
        uselocale(&l->now); /* libc keeps tables of the character types for each thread */
    }
    if (only >= 0) {
        return (char *)name_in(&l->now, only);
    }
    plat_lock_take(&l->lock);
    bool fits = spell(&l->now, l->answer, sizeof l->answer);
    plat_lock_give(&l->lock);
    return fits ? l->answer : NULL;
}

/* --- is the struct what it seems? ------------------------------------------------------------------------------- */

static bool layout_is_known(void)
{
    static locale_t plain, other; /* they stay: threads may have seen them as their tables */
    plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    other = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (plain == (locale_t)0) {
        return false;
    }
    struct __locale_struct copy = *plain;
    locale_t before = uselocale(&copy);
    bool known = *__ctype_b_loc() == copy.__ctype_b && strcmp(nl_langinfo(CODESET), "ANSI_X3.4-1968") == 0 &&
                 copy.__names[LC_TIME] != NULL && strcmp(copy.__names[LC_TIME], "C") == 0;
    if (known && other != (locale_t)0) {
        put(&copy, index_of(LC_CTYPE), other);
        known = strcmp(nl_langinfo(CODESET), "UTF-8") == 0 && strcmp(copy.__names[LC_CTYPE], "C.UTF-8") == 0 &&
                copy.__names[LC_IDENTIFICATION] == plain->__names[LC_IDENTIFICATION];
    }
    uselocale(before);
    return known;
}

static bool known;

static void look(void)
{
    known = layout_is_known();
}

const char *plat_locale_reason(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, look);
    return known ? NULL : "this C library's locales are not what Isles knows";
}

/* --- a compartment's -------------------------------------------------------------------------------------------- */

static _Thread_local locale_t outside; /* of a thread that is in one: what it had before */

void own_locale_use(const plat_own *own, bool was_outside)
{
    if (was_outside) {
        outside = uselocale((locale_t)0);
    }
    uselocale(own != NULL && own->locale != NULL ? &own->locale->now : outside);
}

void own_locale_free(own_locale *locale)
{
    if (locale != NULL) {
        plat_lock_destroy(&locale->lock);
        plat_free(locale);
    }
}

bool plat_locale_is_own(const plat_own *own)
{
    return own != NULL && own->locale != NULL;
}

/* What the calling thread has: where its names can't be had, as when the host has a locale of no name, it is "C". */
static bool inherit(own_locale *l)
{
    for (int i = 0; i < CATEGORIES; i++) {
        const char *name = plat_setlocale(categories[i].number, NULL);
        locale_t found = name != NULL ? load(i, name) : (locale_t)0;
        found = found == (locale_t)0 && errno != ENOMEM ? load(i, "C") : found;
        if (found == (locale_t)0) {
            return false;
        }
        put(&l->now, i, found);
    }
    return true;
}

int plat_locale_own(plat_own *own, const char *name)
{
    if (plat_locale_reason() != NULL) {
        return ENOSYS;
    }
    own_locale *l = plat_calloc(1, sizeof *l);
    if (l == NULL) {
        return ENOMEM;
    }
    plat_lock_init(&l->lock);
    errno = 0;
    bool fine = name != NULL ? change(own, l, -1, name) : inherit(l);
    if (!fine) {
        int error = errno;
        own_locale_free(l);
        return error == ENOENT ? ENOENT : ENOMEM;
    }
    own->locale = l;
    return 0;
}

/* --- the process's ---------------------------------------------------------------------------------------------- */

typedef char *(*setlocale_fn)(int, const char *);
typedef struct lconv *(*localeconv_fn)(void);

typedef struct answer {
    struct answer *next;
    char text[];
} answer;

static pthread_mutex_t processes = PTHREAD_MUTEX_INITIALIZER;

/* libc frees the name that it gave when the locale changes again: CPython, which decodes it, may be reading it then. */
static char *keep_answer(char *text)
{
    static answer *answers;
    static size_t count;
    answer *a = answers;
    while (a != NULL && strcmp(a->text, text) != 0) {
        a = a->next;
    }
    if (a != NULL || count == MOST_ANSWERS) {
        return a != NULL ? a->text : text;
    }
    size_t size = strlen(text) + 1;
    a = own_keep(sizeof *a + size);
    if (a == NULL) {
        return NULL;
    }
    a->next = answers;
    memcpy(a->text, text, size);
    answers = a;
    count++;
    return a->text;
}

char *plat_setlocale(int category, const char *name)
{
    static _Atomic(setlocale_fn) of_process;
    plat_own *own = plat_own_of_thread();
    if (plat_locale_is_own(own)) {
        return set(own, category, name);
    }
    setlocale_fn original = atomic_load(&of_process);
    if (original == NULL) {
        *(void **)&original = own_process_function("setlocale");
        atomic_store(&of_process, original);
    }
    pthread_mutex_lock(&processes);
    char *text = original(category, name);
    text = text != NULL ? keep_answer(text) : NULL;
    pthread_mutex_unlock(&processes);
    return text;
}

static char *text_of(locale_t l, nl_item item)
{
    return nl_langinfo_l(item, l);
}

static char *grouping_of(locale_t l, nl_item item)
{
    char *text = nl_langinfo_l(item, l);
    return *text == CHAR_MAX || (signed char)*text == -1 ? "" : text;
}

static char number_of(locale_t l, nl_item item)
{
    char number = *nl_langinfo_l(item, l);
    return (signed char)number == -1 ? CHAR_MAX : number;
}

static void fill(struct lconv *c, locale_t l)
{
    *c = (struct lconv){
        .decimal_point = text_of(l, RADIXCHAR),
        .thousands_sep = text_of(l, THOUSEP),
        .grouping = grouping_of(l, __GROUPING),
        .int_curr_symbol = text_of(l, __INT_CURR_SYMBOL),
        .currency_symbol = text_of(l, __CURRENCY_SYMBOL),
        .mon_decimal_point = text_of(l, __MON_DECIMAL_POINT),
        .mon_thousands_sep = text_of(l, __MON_THOUSANDS_SEP),
        .mon_grouping = grouping_of(l, __MON_GROUPING),
        .positive_sign = text_of(l, __POSITIVE_SIGN),
        .negative_sign = text_of(l, __NEGATIVE_SIGN),
        .int_frac_digits = number_of(l, __INT_FRAC_DIGITS),
        .frac_digits = number_of(l, __FRAC_DIGITS),
        .p_cs_precedes = number_of(l, __P_CS_PRECEDES),
        .p_sep_by_space = number_of(l, __P_SEP_BY_SPACE),
        .n_cs_precedes = number_of(l, __N_CS_PRECEDES),
        .n_sep_by_space = number_of(l, __N_SEP_BY_SPACE),
        .p_sign_posn = number_of(l, __P_SIGN_POSN),
        .n_sign_posn = number_of(l, __N_SIGN_POSN),
        .int_p_cs_precedes = number_of(l, __INT_P_CS_PRECEDES),
        .int_p_sep_by_space = number_of(l, __INT_P_SEP_BY_SPACE),
        .int_n_cs_precedes = number_of(l, __INT_N_CS_PRECEDES),
        .int_n_sep_by_space = number_of(l, __INT_N_SEP_BY_SPACE),
        .int_p_sign_posn = number_of(l, __INT_P_SIGN_POSN),
        .int_n_sign_posn = number_of(l, __INT_N_SIGN_POSN),
    };
}

/* libc fills one struct for the whole process. */
struct lconv *plat_localeconv(void)
{
    static _Thread_local struct lconv of_thread;
    static _Atomic(localeconv_fn) of_process;
    plat_own *own = plat_own_of_thread();
    if (plat_locale_is_own(own)) {
        fill(&of_thread, &own->locale->now);
        return &of_thread;
    }
    localeconv_fn original = atomic_load(&of_process);
    if (original == NULL) {
        *(void **)&original = own_process_function("localeconv");
        atomic_store(&of_process, original);
    }
    pthread_mutex_lock(&processes);
    of_thread = *original();
    pthread_mutex_unlock(&processes);
    return &of_thread;
}

int plat_relink_locale(const void *code)
{
    int one = plat_relink(code, "localeconv", (void *)plat_localeconv);
    int other = plat_relink(code, "setlocale", (void *)plat_setlocale);
    return one == 0 || other == 0 ? 0 : one;
}

#else

#include <locale.h>
#include <stddef.h>

void own_locale_use(const plat_own *own, bool was_outside)
{
    (void)own;
    (void)was_outside;
}

void own_locale_free(struct own_locale *locale)
{
    (void)locale;
}

const char *plat_locale_reason(void)
{
    return "only with the GNU C library";
}

int plat_locale_own(plat_own *own, const char *name)
{
    (void)own;
    (void)name;
    return ENOSYS;
}

bool plat_locale_is_own(const plat_own *own)
{
    (void)own;
    return false;
}

bool plat_locale_category(size_t index, int *out_number, const char **out_name)
{
    (void)index;
    (void)out_number;
    (void)out_name;
    return false;
}

char *plat_setlocale(int category, const char *name)
{
    return setlocale(category, name);
}

struct lconv *plat_localeconv(void)
{
    return localeconv();
}

int plat_relink_locale(const void *code)
{
    (void)code;
    return ENOSYS;
}

#endif
