import numpy as np


def work():
    a = np.arange(10000.0).reshape(100, 100) % 17 + 20 * np.eye(100)
    assert np.allclose(np.linalg.inv(a) @ a, np.eye(100), atol=1e-6)
    assert abs(np.fft.ifft(np.fft.fft(a[0])).real - a[0]).max() < 1e-9
    assert np.random.default_rng(7).integers(0, 1000, 5).tolist() == [944, 625, 684, 897, 578]
    assert np.sort(a, axis=None)[-1] == a.max() and str(np.datetime64("2024-02-29") + 1) == "2024-03-01"
    try:
        np.zeros(3) + np.zeros(4)
    except ValueError as error:
        assert "broadcast" in str(error)
    else:
        raise AssertionError("shapes that don't fit were added")
