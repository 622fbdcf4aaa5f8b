/* Stands for the second library of a ring while the first is linked: one of the two has to be there before the
 * other. */
int MINE(int depth);

int MINE(int depth)
{
    return depth;
}
