import contourpy
import numpy as np


def work():
    y, x = np.mgrid[-2:2:41j, -2:2:41j]
    for name in "serial", "threaded":
        generator = contourpy.contour_generator(x, y, x**2 + y**2, name=name, line_type="Separate")
        (line,) = generator.lines(1.0)
        assert np.allclose(np.hypot(*line.T), 1, atol=0.01), name
    assert len(contourpy.contour_generator(x, y, x**2 + y**2).filled(0.5, 1.0)[0]) == 1
