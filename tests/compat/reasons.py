REASONS = ()
def of(name, mode, entry, version):
    return None
