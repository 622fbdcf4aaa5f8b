import io

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq


def work():
    table = pa.table({"n": list(range(1000)), "s": [f"text {i % 10}" for i in range(1000)]})
    file = io.BytesIO()
    pq.write_table(table, file, compression="zstd")
    again = pq.read_table(io.BytesIO(file.getvalue()))
    assert again.equals(table)
    assert pc.sum(again["n"]).as_py() == 499500
    grouped = again.group_by("s").aggregate([("n", "sum")]).sort_by("s")
    assert grouped["n_sum"][0].as_py() == sum(range(0, 1000, 10))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    assert pa.ipc.open_stream(sink.getvalue()).read_all().num_rows == 1000
    try:
        pa.array([1, "x"])
    except pa.ArrowInvalid:
        pass
    else:
        raise AssertionError("a mixed array was made")
