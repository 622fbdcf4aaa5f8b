import numpy as np
import onnxruntime


def tag(number, kind):
    return bytes([number << 3 | kind])


def part(number, data):  # of a protobuf message
    data = data.encode() if isinstance(data, str) else data
    return tag(number, 2) + bytes([len(data)]) + data


def value(name):  # a vector of floats
    shape = part(1, tag(1, 0) + b"\x03")
    return part(1, name) + part(2, part(1, tag(1, 0) + b"\x01" + part(2, shape)))


def model():
    node = part(1, "x") + part(1, "x") + part(2, "y") + part(4, "Add")
    graph = part(1, node) + part(2, "g") + part(11, value("x")) + part(12, value("y"))
    return tag(1, 0) + b"\x08" + part(7, graph) + part(8, tag(2, 0) + b"\x0d")


def work():
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(model(), options, providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape == [3] and session.get_outputs()[0].name == "y"
    for _ in range(10):
        (result,) = session.run(None, {"x": np.array([1, 2, 3], np.float32)})
        assert result.tolist() == [2, 4, 6]
    try:
        onnxruntime.InferenceSession(b"nonsense", options)
    except Exception as error:
        assert "InvalidProtobuf" in type(error).__name__ or "protobuf" in str(error).lower()
    else:
        raise AssertionError("nonsense was loaded")
