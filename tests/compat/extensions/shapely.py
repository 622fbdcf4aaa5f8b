import numpy as np
import shapely
from shapely import geometry, ops


def work():
    square, disc = geometry.box(0, 0, 2, 2), geometry.Point(2, 2).buffer(1, quad_segs=64)
    assert abs(square.intersection(disc).area - np.pi / 4) < 1e-3 and square.union(disc).contains(geometry.Point(1, 1))
    points = shapely.points(np.random.default_rng(1).random((1000, 2)) * 4)
    inside = shapely.contains(square, points)
    tree = shapely.STRtree(points)
    assert sorted(tree.query(square, predicate="contains")) == np.flatnonzero(inside).tolist()
    assert shapely.from_wkt("POINT (1 2)").equals(shapely.from_wkb(shapely.to_wkb(geometry.Point(1, 2))))
    assert ops.unary_union([geometry.box(i, 0, i + 1, 1) for i in range(20)]).area == 20
    try:
        shapely.from_wkt("POINT (1")
    except shapely.errors.ShapelyError:
        pass
    else:
        raise AssertionError("half a point was taken")
