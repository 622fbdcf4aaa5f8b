import os
import tempfile
import threading

from watchfiles import Change, watch


def work():
    with tempfile.TemporaryDirectory() as folder:
        stop = threading.Event()

        def write():
            for i in range(100):
                open(os.path.join(folder, f"new{i}"), "w").close()
                if stop.wait(0.1):
                    return

        thread = threading.Thread(target=write)
        thread.start()
        for changes in watch(folder, debounce=50, step=20, stop_event=stop, rust_timeout=10000):
            assert any(kind == Change.added and os.path.basename(name).startswith("new") for kind, name in changes), changes
            break
        stop.set()
        thread.join()
