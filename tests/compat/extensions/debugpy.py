import threading

import debugpy  # noqa: F401 (finds its vendored pydevd)
from debugpy._vendored import force_pydevd  # noqa: F401
from _pydevd_bundle import pydevd_cython


def work():
    info = pydevd_cython.ThreadInfo if hasattr(pydevd_cython, "ThreadInfo") else None
    extra = pydevd_cython.PyDBAdditionalThreadInfo()
    extra.pydev_step_cmd = 5
    assert extra.pydev_step_cmd == 5 and extra.pydev_state == 1
    thread = threading.current_thread()
    assert pydevd_cython.set_additional_thread_info(thread) is pydevd_cython.set_additional_thread_info(thread)
    assert pydevd_cython.__file__.endswith(".so") and (info is None or isinstance(info, type))
