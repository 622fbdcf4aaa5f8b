import numpy as np
import pywt


def work():
    signal = np.sin(np.linspace(0, 20, 512))
    for name in "haar", "db4", "sym8", "bior2.2":
        assert np.allclose(pywt.waverec(pywt.wavedec(signal, name, level=4), name), signal), name
    image = np.outer(signal[:64], signal[:64])
    assert np.allclose(pywt.idwt2(pywt.dwt2(image, "db2"), "db2"), image)
    coefficients, _ = pywt.cwt(signal, [1, 2, 4], "morl")
    assert coefficients.shape == (3, 512)
