def change(module):
    module.set_callback(lambda: "mine")


def state(module):
    return module.call()
