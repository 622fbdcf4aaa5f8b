# needs: pyogrio numpy
import os
import tempfile

import numpy as np
import pyogrio
import pyogrio.raw

POINT = b"\1\1\0\0\0" + np.array([10.0, 50.0]).tobytes()


def work():
    assert "GeoJSON" in pyogrio.list_drivers()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.gpkg")
        names = [np.array([f"p{i}" for i in range(20)], object), np.arange(20)]
        pyogrio.raw.write(path, np.array([POINT] * 20, object), names, ["name", "n"], geometry_type="Point", crs="EPSG:4326")
        info = pyogrio.read_info(path)
        assert info["features"] == 20 and info["crs"] == "EPSG:4326" and info["fields"].tolist() == ["name", "n"]
        meta, _, geometry, fields = pyogrio.raw.read(path, where="n >= 15")
        assert fields[0].tolist() == [f"p{i}" for i in range(15, 20)] and bytes(geometry[0])[-16:] == POINT[-16:]
        try:
            pyogrio.read_info(os.path.join(folder, "none"))
        except pyogrio.errors.DataSourceError:
            pass
        else:
            raise AssertionError("a file that does not exist was read")
