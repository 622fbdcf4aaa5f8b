VERSION = 1


def change(text):
    return text.upper() + "!"
