import erfa
import numpy as np


def work():
    first, second = erfa.cal2jd(2024, 2, 29)
    assert first + second == 2460369.5 and erfa.jd2cal(first, second)[:3] == (2024, 2, 29)
    assert np.allclose(erfa.rx(0.5, np.eye(3)) @ erfa.rx(-0.5, np.eye(3)), np.eye(3))
    assert erfa.pas(np.zeros(1000), np.zeros(1000), np.ones(1000), np.zeros(1000)).shape == (1000,)
    try:
        erfa.cal2jd(np.array([2024]), 13, 1)
    except erfa.ErfaError:
        pass
    else:
        raise AssertionError("a 13th month was taken")
