/* What opens_another.c opens: no extension, a library that counts. */
long tally(long more);

static long counter;

__attribute__((visibility("default"))) long tally(long more)
{
    return counter += more;
}
