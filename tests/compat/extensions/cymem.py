from cymem.cymem import Address, Pool


def work():
    for _ in range(200):
        pool = Pool()
        addresses = [pool.own_pyref(object()) for _ in range(3)] and pool
        assert addresses.size == 0 and len(pool.refs) == 3
        block = Address(8, 8)
        assert block.addr != 0
