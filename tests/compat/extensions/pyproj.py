import pyproj


def work():
    mercator = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)
    x, y = mercator.transform(10, 50)
    assert abs(x - 1113194.9079) < 0.01 and abs(y - 6446275.8411) < 0.01
    distance = pyproj.Geod(ellps="WGS84").inv(0, 0, 1, 0)[2]
    assert abs(distance - 111319.49) < 0.1 and pyproj.CRS("EPSG:25832").name == "ETRS89 / UTM zone 32N"
    try:
        pyproj.CRS("nonsense")
    except pyproj.exceptions.CRSError:
        pass
    else:
        raise AssertionError("nonsense was taken")
