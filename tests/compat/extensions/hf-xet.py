import os
import tempfile

import hf_xet


def work():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "file")
        with open(path, "wb") as file:
            file.write(bytes(range(256)) * 1000)
        first, second = hf_xet.hash_files([path]), hf_xet.hash_files([path])
        assert first[0].hash == second[0].hash and first[0].file_size == 256000
