"""Written for markdown-it-py 2, where the options are a dict: json.dumps refuses those of version 3 and newer."""
import json
import os
import time

import markdown_it
from document import chapters

started = time.monotonic()
markdown = markdown_it.MarkdownIt("commonmark", {"linkify": False})
json.dumps(markdown.options)
print(f"markdown-it-py {markdown_it.__version__} in process {os.getpid()}", flush=True)

for edition in (1, 2, 3):
    html = markdown.render(chapters(2_000))
    print(f"edition {edition}: {html.count('<h1>')} chapters, {len(html):,} bytes of HTML", flush=True)
print(f"worked from {started:.3f} to {time.monotonic():.3f}")
