# needs: deltalake pyarrow
import tempfile

import deltalake
import pyarrow as pa


def work():
    with tempfile.TemporaryDirectory() as folder:
        deltalake.write_deltalake(folder, pa.table({"n": list(range(100))}))
        deltalake.write_deltalake(folder, pa.table({"n": [100, 101]}), mode="append")
        table = deltalake.DeltaTable(folder)
        assert table.version() == 1 and table.to_pyarrow_table()["n"].to_pylist()[-1] in (99, 101)
        assert len(table.history()) == 2 and deltalake.DeltaTable(folder, version=0).version() == 0
