# needs: safetensors numpy
import os
import tempfile

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load, save, save_file


def work():
    tensors = {"a": np.arange(12, dtype=np.float32).reshape(3, 4), "b": np.arange(5)}
    data = save(tensors)
    assert all((load(data)[name] == value).all() for name, value in tensors.items())
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.safetensors")
        save_file(tensors, path, metadata={"made": "here"})
        with safe_open(path, "np") as file:
            assert sorted(file.keys()) == ["a", "b"] and file.metadata() == {"made": "here"}
            assert file.get_slice("a")[1:, :2].tolist() == [[4, 5], [8, 9]]
    try:
        load(data[:20])
    except SafetensorError:
        pass
    else:
        raise AssertionError("half a file was taken")
