"""Version 1: one function."""
__version__ = "1.0.0"


def tally(text):
    counts = {}
    for word in text.lower().split():
        counts[word] = counts.get(word, 0) + 1
    return counts
