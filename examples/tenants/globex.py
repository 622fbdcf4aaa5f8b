import builtins
import os

import pricing

builtins.owner = "globex"
for units in 3, 30:
    print(os.environ["TENANT"], "uses pricing", pricing.VERSION, units, "units:", *pricing.quote(units, currency="EUR"))
