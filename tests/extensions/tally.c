/* What opens_another.c opens: no extension, a library that counts. */
long tally(void);

static long counter;

__attribute__((visibility("default"))) long tally(void)
{
    return ++counter;
}
