# Written for the first version of pricing, and given the second.
import builtins

import pricing

builtins.owner = "initech"


def main():
    print(pricing.quote(3))


main()
