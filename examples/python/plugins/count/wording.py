VERSION = 2


def change(text):
    words = text.split()
    return len(words), sum(map(len, words)) / len(words)
