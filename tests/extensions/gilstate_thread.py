import sys

there = [None]
module.call_in_thread(lambda: there.__setitem__(0, __import__("sys") is sys))
assert there == [True], "the function was called in another interpreter"
