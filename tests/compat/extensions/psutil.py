import os

import psutil


def work():
    process = psutil.Process()
    assert process.pid == os.getpid() and process.memory_info().rss > 1 << 20
    assert process.is_running() and process.num_threads() >= 1 and process.cpu_times().user >= 0
    assert psutil.virtual_memory().total > 1 << 26 and psutil.cpu_count() >= 1 and os.getpid() in psutil.pids()
    assert psutil.disk_usage("/").total > 0 and isinstance(psutil.net_if_addrs(), dict)
    try:
        psutil.Process(2**22 + 5)
    except psutil.NoSuchProcess:
        pass
    else:
        raise AssertionError("a process that does not exist was found")
