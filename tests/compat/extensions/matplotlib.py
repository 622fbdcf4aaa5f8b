import io

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


def work():
    figure, (left, right) = plt.subplots(1, 2, figsize=(4, 2), dpi=50)
    left.plot([1, 2, 3], [1, 4, 9], label="squares")
    left.legend()
    left.set_title("Ä title, $x^2$")
    right.imshow([[1, 2], [3, 4]])
    right.contourf([[1, 2, 3], [3, 4, 5], [5, 7, 9]])
    file = io.BytesIO()
    figure.savefig(file, format="png")
    plt.close(figure)
    assert file.getvalue().startswith(b"\x89PNG") and plt.imread(io.BytesIO(file.getvalue())).shape == (100, 200, 4)
