"""isles info; and what the texts about options say is the same everywhere."""
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

SOURCE = pathlib.Path(os.environ.get("ISLES_SOURCE", pathlib.Path(__file__).parents[2]))


def test_python_is_the_engines(folder, engine_python):
    shown = subprocess.run([engine_python, "-c", "import platform; print(platform.python_version())"],
                           capture_output=True, text=True, check=True).stdout.strip()
    assert json.loads(folder.isles("info", "--json").stdout)["engine"] == shown


def test_json(folder):
    result = folder.isles("info", "--json")
    assert (result.returncode, result.stderr) == (0, "")
    facts = json.loads(result.stdout)
    assert facts["trouble"] is None
    assert pathlib.Path(facts["stdlib"], "json").is_dir()
    assert pathlib.Path(facts["library"]).name.startswith("libisles")
    assert facts["hook_active"] == (facts["hook_reason"] is None)
    for defect in facts["defects"]:
        assert re.match(r"[\w/-]+#\d+", defect["issue"])
        assert defect["defect"] and defect["measure"]


def test_text_says_the_same(folder):
    facts = json.loads(folder.isles("info", "--json").stdout)
    text = folder.isles("info").stdout
    assert f"CPython {facts['engine']}" in text
    assert facts["python"] in text
    folders, table = re.search(r"^folder, umask +(.*)\ndescriptors +(.*)", text, re.MULTILINE).groups()
    assert folders.startswith("its own" if facts["own_fs_reason"] is None else "shared by all interpreters: ")
    assert ("table of its own (--descriptors)" in table) == (facts["own_descriptors_reason"] is None)
    for defect in facts["defects"]:
        assert defect["issue"] in text
    assert all(len(line) <= 120 or "/" in line for line in text.splitlines())


def options_of_help(folder, command="run"):
    text = folder.isles(command, "--help").stdout
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) - {"--port"}


@pytest.mark.parametrize("command, least", [("run", 15), ("check", 10)])
def test_man_page_and_completions_know_every_option(folder, command, least):
    options = options_of_help(folder, command) - ({"--extensions"} if command == "check" else set()) | {"--help"}
    assert len(options) > least
    man = (SOURCE / "docs/man/isles.1").read_text()
    known = {"--" + name for name in re.findall(r"Fl -([a-z][a-z-]+)", man)}
    known |= {"--" + name for name in re.findall(r"Fl \w , -([a-z-]+)", man)}
    assert options <= known
    bash = (SOURCE / "cli/completion/isles.bash").read_text()
    assert {option for option in options if not re.search(rf"{option}\b", bash)} == set()
    zsh = (SOURCE / "cli/completion/isles.zsh").read_text()
    assert {option for option in options if not re.search(rf"{option}[=\[}}]", zsh)} == set()
    fish = (SOURCE / "cli/completion/isles.fish").read_text()
    assert {option for option in options if not re.search(rf"-l {option[2:]}\b", fish)} == set()


def complete(folder, *words):
    """What bash offers for the last word."""
    script = ("source \"$1\"; shift; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _isles; "
              "printf '%s\\n' \"${COMPREPLY[@]}\"")
    result = subprocess.run(["bash", "-c", script, "bash", SOURCE / "cli/completion/isles.bash", *words],
                            cwd=folder.path, capture_output=True, text=True, timeout=30)
    assert result.stderr == ""
    return set(result.stdout.split())


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_bash_completion(folder):
    for name in ("a.py", "b.txt", "app/__main__.py", "pkg/__init__.py", "pkg/tool.py"):
        folder.write(name)
    assert complete(folder, "isles", "") >= {"run", "info", "help"}
    assert complete(folder, "isles", "run", "--fa") == {"--fail-fast"}
    assert complete(folder, "isles", "run", "") == {"a.py", "app", "pkg"}
    assert complete(folder, "isles", "run", "--gil", "") == {"own", "shared"}
    assert complete(folder, "isles", "run", "-m", "") == {"a", "app", "pkg"}
    assert complete(folder, "isles", "run", "-m", "pkg.to") == {"pkg.tool"}
    assert complete(folder, "isles", "info", "--j") == {"--json"}
    folder.write("mine.so")
    assert complete(folder, "isles", "check", "") == {"app", "b.txt", "mine.so", "pkg"}
    assert complete(folder, "isles", "check", "--require", "m") == {"main"}
    assert complete(folder, "isles", "check", "--st") == {"--static", "--stdlib"}


@pytest.mark.skipif(shutil.which("groff") is None, reason="no groff")
def test_man_page_is_well_formed():
    result = subprocess.run(["groff", "-mdoc", "-ww", "-Tutf8", SOURCE / "docs/man/isles.1"], capture_output=True,
                            text=True)
    assert (result.returncode, result.stderr) == (0, "")
    assert "EXIT STATUS" in re.sub(r".\x08|\033\[[0-9;]*m", "", result.stdout)
