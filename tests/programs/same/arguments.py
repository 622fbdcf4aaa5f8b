"""argparse: the program's name, its help, a mistake."""
import argparse

parser = argparse.ArgumentParser(description="d")
parser.add_argument("--number", type=int, default=3)
parser.add_argument("rest", nargs="*")
print(parser.prog, parser.parse_args())
print(parser.format_help())
parser.parse_args(["--number", "x"])
