import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC


def work():
    x, y = make_blobs(200, centers=3, random_state=3, cluster_std=0.5)
    for model in (RandomForestClassifier(5, random_state=0), GradientBoostingClassifier(n_estimators=3), SVC(),
                  KNeighborsClassifier(3), LogisticRegression()):  # fmt: skip
        assert model.fit(x, y).score(x, y) > 0.98, model
    assert len(set(KMeans(3, n_init=3, random_state=0).fit_predict(x))) == 3
    line = LinearRegression().fit(np.arange(10).reshape(-1, 1), 3 * np.arange(10) + 1)
    assert abs(line.coef_[0] - 3) < 1e-9
