/* Shell words, by the C library's wordexp(3). Not thread-safe (wordexp reads the environment): main thread
 * only. */
#include "words.h"

#include <wordexp.h>

static const char *reason(int code)
{
    switch (code) {
    case WRDE_BADCHAR:
        return "one of | & ; < > ( ) { } or a line end is not quoted";
    case WRDE_BADVAL:
        return "a variable in it is not set";
    case WRDE_CMDSUB:
        return "commands in it are not run";
    case WRDE_SYNTAX:
        return "a quote is not closed";
    default:
        return "out of memory";
    }
}

const char *words_split(const char *line, struct strings *out_words)
{
    wordexp_t words = {0};
    int code = wordexp(line, &words, WRDE_NOCMD | WRDE_UNDEF);
    if (code != 0) {
        if (code == WRDE_NOSPACE) {
            wordfree(&words);
        }
        return reason(code);
    }
    for (size_t i = 0; i < words.we_wordc; i++) {
        strings_take(out_words, text_copy(words.we_wordv[i]));
    }
    wordfree(&words);
    return NULL;
}
