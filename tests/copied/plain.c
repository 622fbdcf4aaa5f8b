/* A library without Python, which counts its calls: one that keeps a state of its users, as HDF5 does, or by its name
 * and with another function, one that may be shared. */
#ifndef NEXT
#define NEXT plain_next
#endif

int NEXT(void)
{
    static int count;
    return ++count;
}
