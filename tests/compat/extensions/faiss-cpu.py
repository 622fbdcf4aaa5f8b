import faiss
import numpy as np


def work():
    vectors = np.random.default_rng(1).random((1000, 16)).astype("f")
    index = faiss.IndexFlatL2(16)
    index.add(vectors)
    distances, found = index.search(vectors[:5], 3)
    assert found[:, 0].tolist() == [0, 1, 2, 3, 4] and abs(distances[:, 0]).max() < 1e-4
    cells = faiss.IndexIVFFlat(faiss.IndexFlatL2(16), 16, 8)
    cells.train(vectors)
    cells.add(vectors)
    assert cells.ntotal == 1000 and cells.search(vectors[7:8], 1)[1][0, 0] == 7
    assert faiss.deserialize_index(faiss.serialize_index(index)).ntotal == 1000
