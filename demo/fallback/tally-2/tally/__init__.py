"""Version 2: a class; the function tally() is gone."""
import collections

__version__ = "2.0.0"


class Tally:
    def __init__(self, text):
        self.counts = collections.Counter(text.lower().split())

    def top(self, number):
        return self.counts.most_common(number)
