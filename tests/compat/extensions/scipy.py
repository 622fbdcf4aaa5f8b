import numpy as np
import scipy.fft
import scipy.integrate
import scipy.linalg
import scipy.optimize
import scipy.sparse.linalg
import scipy.spatial
import scipy.special
import scipy.stats


def work():
    assert abs(scipy.optimize.brentq(lambda x: x * x - 2, 0, 2) - 2**0.5) < 1e-9
    best = scipy.optimize.minimize(lambda x: (x[0] - 1) ** 2 + (x[1] + 2) ** 2, [0, 0])
    assert np.allclose(best.x, [1, -2], atol=1e-4)
    a = np.vander(np.linspace(1, 2, 12), 5)
    u, s, vt = scipy.linalg.svd(a, full_matrices=False)
    assert np.allclose(u * s @ vt, a)
    assert abs(scipy.integrate.quad(np.sin, 0, np.pi)[0] - 2) < 1e-10
    matrix = scipy.sparse.diags([2.0, -1, -1], [0, 1, -1], (50, 50), format="csc")
    assert np.allclose(matrix @ scipy.sparse.linalg.spsolve(matrix, np.ones(50)), 1)
    points = np.random.default_rng(1).random((200, 3))
    distance, index = scipy.spatial.cKDTree(points).query(points[5])
    assert index == 5 and distance == 0 and abs(scipy.special.gamma(5) - 24) < 1e-9
    assert abs(scipy.stats.norm.cdf(1.96) - 0.975) < 1e-4 and np.allclose(scipy.fft.irfft(scipy.fft.rfft(a[:, 0])), a[:, 0])
