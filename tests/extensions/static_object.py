def change(module):
    module.get().append("mine")


def state(module):
    return len(module.get())
