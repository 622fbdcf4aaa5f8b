def change(module):
    module.count()


def state(module):
    return module.value()
