import numpy as np
import statsmodels.api as sm
from statsmodels.tsa.arima.model import ARIMA


def work():
    random = np.random.default_rng(1)
    x = random.random((200, 2))
    y = 1 + x @ [2, -3] + random.normal(0, 0.01, 200)
    assert np.allclose(sm.OLS(y, sm.add_constant(x)).fit().params, [1, 2, -3], atol=0.02)
    series = np.cumsum(random.normal(size=80))
    assert len(ARIMA(series, order=(1, 1, 0)).fit().forecast(3)) == 3
    assert sm.nonparametric.lowess(y, x[:, 0]).shape == (200, 2)
