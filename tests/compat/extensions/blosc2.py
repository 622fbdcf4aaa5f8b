import blosc2
import numpy as np


def work():
    blosc2.set_nthreads(2)
    data = np.arange(100000, dtype="i4")
    assert blosc2.decompress(blosc2.compress(data.tobytes(), typesize=4)) == data.tobytes()
    array = blosc2.asarray(data.reshape(100, 1000), chunks=(10, 1000))
    assert (array[5:7, 3] == [5003, 6003]).all() and array.schunk.cratio > 2
    assert blosc2.unpack_array2(blosc2.pack_array2(data))[99999] == 99999
