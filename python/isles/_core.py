"""The module `_isles`, which the library makes for each interpreter; in the main one, when it is first wanted."""

import sys

if "_isles" not in sys.modules:
    import os

    from . import _host

    _host.adopt(os.path.dirname(os.path.abspath(__file__)))

import _isles
from _isles import *  # noqa: F403
from _isles import (  # noqa: F401
    _call,
    _create,
    _end,
    _end_later,
    _extension_copies,
    _Gate,
    _hold,
    _inspect_extension,
    _list,
    _queue,
    _queues,
    _stats,
    _submit,
)

__version__ = _isles.__version__


def __getattr__(attribute: str) -> object:
    """The classes of queues, which are made when somebody asks for one."""
    return getattr(_isles, attribute)
