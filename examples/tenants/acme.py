import builtins
import os

import pricing

builtins.owner = "acme"
print(os.environ["TENANT"], "uses pricing", pricing.VERSION, "3 units:", pricing.quote(3))
