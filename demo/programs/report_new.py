"""Written for markdown-it-py 4: its rule asks is_code_block, which version 2 does not have."""
import os
import time

import markdown_it
from document import chapters


def rule(state, start, end, silent):
    """Counts the lines that are code, and leaves them to the other rules."""
    state.env["code"] = state.env.get("code", 0) + state.is_code_block(start)
    return False


started = time.monotonic()
markdown = markdown_it.MarkdownIt("commonmark")
markdown.block.ruler.before("code", "count_code", rule)
print(f"markdown-it-py {markdown_it.__version__} in process {os.getpid()}", flush=True)

for edition in (1, 2, 3):
    env = {}
    html = markdown.render(chapters(2_000), env)
    print(f"edition {edition}: {html.count('<h1>')} chapters, {env['code']} of code, {len(html):,} bytes of HTML", flush=True)
print(f"worked from {started:.3f} to {time.monotonic():.3f}")
