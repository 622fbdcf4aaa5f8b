"""What `isles check` found of extension modules: its verdicts for their files, by the SHA-256 of these and by engine.

An interpreter loads this when it has to look for the first one, with extensions = auto, and only if there are any. What it
imports comes with CPython."""
import json
import sys

try:
    from _sha2 import sha256
except ImportError:  # an engine that was built without
    from hashlib import sha256

ENGINE = "%d.%d" % sys.version_info[:2]


def verdicts(path):
    """Verdicts for this engine by hash; none where the file is damaged, or of another make."""
    try:
        with open(path, encoding="utf-8") as file:
            all_engines = json.load(file)
        return {name: of[ENGINE]["verdict"] for name, of in all_engines.items() if ENGINE in of}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}


def hash_of(path):
    digest = sha256()
    with open(path, "rb", buffering=0) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def verdict(known, path):
    """Of the file: str, or None."""
    return known.get(hash_of(path)) if known else None
