"""The locale that a program starts in, and characters that are not ASCII on their way through libc and the file system."""

import locale
import os
import sys
import tempfile
import time

print(locale.setlocale(locale.LC_CTYPE), locale.setlocale(locale.LC_NUMERIC), locale.getlocale())
print(locale.getpreferredencoding(False).lower(), locale.getencoding(), locale.nl_langinfo(locale.CODESET))
print(sys.getfilesystemencoding(), sys.getfilesystemencodeerrors(), sys.getdefaultencoding())
print(time.strftime("%Y年 é", time.gmtime(0)), ascii(os.fsdecode(b"\xff")), locale.strxfrm("é"))
with tempfile.TemporaryDirectory() as folder:
    with open(os.path.join(folder, "é \udcff"), "w") as file:
        print(file.write("日本"), file.encoding.lower())
    print(*(ascii(name) for name in os.listdir(folder)), os.path.getsize(file.name))
