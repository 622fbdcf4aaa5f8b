"""A host of plugins. Each is a folder with plugin.py and the packages that it needs, and gets an interpreter of its own: two
plugins can have two versions of one package, one that fails or runs away leaves the host and the others as they were.

    python plugin_host.py
"""

from pathlib import Path

import isles

PLUGINS = Path(__file__).resolve().parent / "plugins"


def handle(text):
    """Runs in the plugin's interpreter."""
    import plugin

    return plugin.handle(text)


def main():
    plugins = {
        folder.name: isles.Interpreter(folder.name, path=[folder], stdout=isles.CAPTURE)
        for folder in sorted(PLUGINS.iterdir())
        if (folder / "plugin.py").exists()
    }
    for text in ("three words here", "", "for ever"):
        for name, plugin in plugins.items():
            try:
                print(f"{name}: {plugin.within(0.5).call(handle, text)!r}")
            except isles.DeadlineExceeded:
                print(f"{name}: took too long, and was stopped")
            except Exception as error:
                print(f"{name}: failed: {type(error).__name__}: {error}")
    for name, plugin in plugins.items():
        plugin.close()
        print(f"{name} wrote {plugin.output()!r}")


if __name__ == "__main__":
    main()
