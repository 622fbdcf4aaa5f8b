import io

import h5py
import numpy as np


def work():
    file = io.BytesIO()
    with h5py.File(file, "w") as h5:
        h5["group/data"] = np.arange(1000).reshape(10, 100)
        h5.create_dataset("packed", data=np.zeros((100, 100)), compression="gzip", chunks=True)
        h5["group"].attrs["name"] = "ä text"
    with h5py.File(file, "r") as h5:
        assert h5["group/data"][3, 5:8].tolist() == [305, 306, 307] and h5["packed"].compression == "gzip"
        assert h5["group"].attrs["name"] == "ä text" and list(h5) == ["group", "packed"]
        try:
            h5["nothing"]
        except KeyError:
            pass
        else:
            raise AssertionError("what isn't there was found")
