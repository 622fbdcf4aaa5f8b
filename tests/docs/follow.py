#!/usr/bin/env python3
"""Follows the documents as a newcomer would, against an installed tree, and fails where one leads to something else.

    follow.py page PAGE.md BUILD [FOLDER]   do what the page says, in a copy of the folder
    follow.py policy PAGE.md BUILD    the same; skipped (77) where the kernel lacks Landlock
    follow.py examples FOLDER BUILD   build and run each example by the command at its top
    follow.py links FILE.md...        do the files and headings that are linked to exist?

In a page, blocks are told apart by what follows the language:
    ```c NAME.c, ```python NAME.py    a file to write (GitHub shows it as usual)
    ```sh run                         commands to run in that folder, which must succeed
    ```text output                    what the commands before it print, on both outputs; "..." stands for anything.
                                      After a block of Python without a name it is that one's: tests/python checks it
A block of C without a name could not be checked, and is refused.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

COMMAND_SECONDS = 120


def fail(message):
    sys.exit(f"failed: {message}")


def install(build, prefix):
    done = subprocess.run(["cmake", "--install", build, "--prefix", prefix], capture_output=True, text=True)
    if done.returncode != 0:
        fail(f"cmake --install:\n{done.stdout}{done.stderr}")
    library = next(pathlib.Path(prefix).rglob("libisles.so"), None) or fail("no libisles.so is installed")
    env = dict(os.environ, PKG_CONFIG_PATH=str(library.parent / "pkgconfig"), LD_LIBRARY_PATH=str(library.parent))
    env["PATH"] = os.pathsep.join([os.path.join(prefix, "bin"), env["PATH"]])
    return env


def run(commands, folder, env):
    script = "set -e\n" + commands
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=env, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=COMMAND_SECONDS)
    print(f"$ {commands.strip()}\n{done.stdout}", end="", flush=True)
    if done.returncode != 0:
        fail(f"status {done.returncode}")
    return done.stdout


def blocks(text):
    """Of each fenced block: its line, language, the rest of the opening line, content."""
    for match in re.finditer(r"^```(\w+)[ \t]*(.*)\n((?:.*\n)*?)```$", text, re.MULTILINE):
        yield text.count("\n", 0, match.start()) + 1, match[1], match[2].strip(), match[3]


def matches(expected, printed):
    pattern = ".*".join(re.escape(part) for part in expected.split("..."))
    return re.fullmatch(pattern, printed, re.DOTALL) is not None


def follow_page(page, folder, env):
    printed, ran, checked_elsewhere = None, 0, False
    for line, language, rest, content in blocks(page.read_text(encoding="utf-8")):
        where = f"{page.name}:{line}"
        if language in ("c", "cpp", "python") and rest:
            (folder / rest).write_text(content, encoding="utf-8")
        elif language in ("c", "cpp"):
            fail(f"{where}: a block of {language} that has no name")
        elif language == "python":
            checked_elsewhere = True
        elif (language, rest) == ("sh", "run"):
            printed, ran, checked_elsewhere = run(content, folder, env), ran + 1, False
        elif (language, rest) == ("text", "output") and not checked_elsewhere:
            if printed is None or not matches(content, printed):
                fail(f"{where}: the page promises\n{content}but this came\n{printed}")
    if ran == 0:
        fail(f"{page.name} has nothing to run")
    print(f"{page.name}: {ran} commands")


def command_of(example):
    """The lines after "Build and run" in the comment at the top."""
    match = re.match(r"/\* Build and run.*:\n((?: \*   .*\n)+)", example.read_text(encoding="utf-8"))
    if match is None:
        fail(f"{example.name} does not open with the command that builds it")
    return re.sub(r"^ \*   ", "", match[1], flags=re.MULTILINE)


def follow_examples(examples, folder, env):
    shutil.copytree(examples, folder, dirs_exist_ok=True)
    sources = sorted(p for p in folder.iterdir() if p.suffix in (".c", ".cpp"))
    for example in sources:
        run(command_of(example), folder, env)
    print(f"{len(sources)} examples")


def need_landlock(env):
    facts = json.loads(subprocess.run(["isles", "info", "--json"], env=env, capture_output=True, text=True, check=True).stdout)
    if facts["landlock"] < 4:
        print(f"skipped: the page needs Landlock 4, the kernel has {facts['landlock']}")
        sys.exit(77)


def text_of(page):
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors_of(page):
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+?)\s*$", text_of(page), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\](\([^)]*\)|\[[^\]]*\])", r"\1", heading) for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


def leads_somewhere(page, target):
    path, _, anchor = target.partition("#")
    other = page.parent / path if path else page
    return "://" in target or (other.exists() and (not anchor or other.suffix != ".md" or anchor in anchors_of(other)))


def check_links(pages):
    broken = []
    for page in map(pathlib.Path, pages):
        text = text_of(page)
        targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"^\[[^\]]+\]: (\S+)$", text, re.MULTILINE)
        broken += [f"{page}: {target}" for target in targets if not leads_somewhere(page, target)]
    if broken:
        fail("links that lead nowhere:\n" + "\n".join(broken))
    print(f"{len(pages)} pages")


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    what, *rest = sys.argv[1:]
    if what == "links":
        return check_links(rest)
    source, build, *rest = rest
    with tempfile.TemporaryDirectory(prefix="isles-docs-") as temporary:
        env = install(build, os.path.join(temporary, "prefix"))
        folder = pathlib.Path(temporary, "work")
        shutil.copytree(rest[0], folder) if rest else folder.mkdir()
        if what == "policy":
            need_landlock(env)
        if what in ("page", "policy"):
            follow_page(pathlib.Path(source), folder, env)
        elif what == "examples":
            follow_examples(pathlib.Path(source), folder, env)
        else:
            sys.exit(__doc__)


main()
