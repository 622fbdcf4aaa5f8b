import pyclipper


def work():
    first, second = [(0, 0), (100, 0), (100, 100), (0, 100)], [(50, 50), (150, 50), (150, 150), (50, 150)]
    clip = pyclipper.Pyclipper()
    clip.AddPath(first, pyclipper.PT_SUBJECT, True)
    clip.AddPath(second, pyclipper.PT_CLIP, True)
    (both,) = clip.Execute(pyclipper.CT_INTERSECTION)
    assert abs(pyclipper.Area(both)) == 2500
    offset = pyclipper.PyclipperOffset()
    offset.AddPath(first, pyclipper.JT_MITER, pyclipper.ET_CLOSEDPOLYGON)
    assert pyclipper.Area(offset.Execute(10)[0]) == 120 * 120 and pyclipper.PointInPolygon((50, 50), first) == 1
    try:
        clip.AddPath([(0, 0)], pyclipper.PT_CLIP, True)
    except pyclipper.ClipperException:
        pass
    else:
        raise AssertionError("a point was taken for a polygon")
