import wording


def handle(text):
    print("wording", wording.VERSION)
    return wording.change(text)
