/* A library without Python, as an extension's own copy of OpenBLAS is. */
int plain_count;

int plain_next(void)
{
    return ++plain_count;
}
