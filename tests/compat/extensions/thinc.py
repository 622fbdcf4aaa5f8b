import numpy as np
from thinc.api import Adam, Model, Relu, Softmax, chain, fix_random_seed


def work():
    fix_random_seed(1)
    random = np.random.default_rng(1)
    x = random.random((100, 4)).astype("f")
    y = np.eye(2, dtype="f")[(x[:, 0] > x[:, 1]).astype(int)]
    model: Model = chain(Relu(16), Softmax())
    model.initialize(x, y)
    optimizer = Adam(0.02)
    for _ in range(60):
        guess, backprop = model.begin_update(x)
        backprop((guess - y) / 100)
        model.finish_update(optimizer)
    assert (model.predict(x).argmax(1) == y.argmax(1)).mean() > 0.85
    assert Model.from_bytes(model, model.to_bytes()) is not None
