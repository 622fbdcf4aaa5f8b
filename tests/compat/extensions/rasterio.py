import numpy as np
import rasterio
import rasterio.features
import rasterio.io
import rasterio.transform
import rasterio.warp


def work():
    data = np.arange(2500, dtype="f4").reshape(50, 50)
    place = rasterio.transform.from_origin(10, 50, 0.1, 0.1)
    with rasterio.io.MemoryFile() as memory:
        with memory.open(driver="GTiff", width=50, height=50, count=1, dtype="f4", crs="EPSG:4326", transform=place) as file:
            file.write(data, 1)
        with memory.open() as file:
            assert (file.read(1) == data).all() and file.crs.to_epsg() == 4326 and file.index(10.05, 49.95) == (0, 0)
    left, *_ = rasterio.warp.transform_bounds("EPSG:4326", "EPSG:3857", 10, 45, 15, 50)
    assert abs(left - 1113194.9079) < 0.01
    mask = rasterio.features.rasterize([{"type": "Point", "coordinates": (10.05, 49.95)}], (50, 50), transform=place)
    assert mask.sum() == mask[0, 0] == 1 and len(list(rasterio.features.shapes(mask))) == 2
