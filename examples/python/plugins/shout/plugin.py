import wording


def handle(text):
    while text == "for ever":
        pass
    print("wording", wording.VERSION)
    return wording.change(text)
