import cv2
import numpy as np


def work():
    image = np.zeros((100, 100, 3), np.uint8)
    cv2.circle(image, (50, 50), 30, (0, 0, 255), -1)
    cv2.putText(image, "x", (2, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255))
    gray = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), (3, 3), 0)
    found, _ = cv2.findContours((gray[30:] > 20).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    assert len(found) == 1 and cv2.contourArea(found[0]) > 2000
    ok, data = cv2.imencode(".png", image)
    assert ok and (cv2.imdecode(data, cv2.IMREAD_COLOR) == image).all()
    assert cv2.resize(image, (50, 20)).shape == (20, 50, 3)
    try:
        cv2.cvtColor(np.zeros((2, 2), np.uint8), cv2.COLOR_BGR2GRAY)
    except cv2.error:
        pass
    else:
        raise AssertionError("one channel was taken for three")
