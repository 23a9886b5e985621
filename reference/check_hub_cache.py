"""Do Lorikeet and Python's huggingface_hub find each other's downloads?

Run: python reference/check_hub_cache.py

Serves the tiny checkpoint of the tests as a hub of this machine (hub_stub.py). `./lorikeet download`
fills one cache from it and `snapshot_download` another one. Then:
  - both caches have the same files, the same links and the same contents;
  - Python finds every file of Lorikeet's cache with local_files_only, `scan_cache_dir` has nothing to
    complain about, and transformers loads model and tokenizer from it without a network;
  - Lorikeet finds Python's download whole, with the right checksums, and fetches nothing again;
  - a download that breaks off every few bytes ends with the same cache.
Exit code 0: all of that holds.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "app/src/test/resources/reference/tiny/model"
NAME = "parrots/tiny"


def lorikeet(home: Path, endpoint: str, *args: str) -> dict:
    env = os.environ | {"HF_HOME": str(home), "HF_ENDPOINT": endpoint, "HF_TOKEN": "hf_stub"}
    done = subprocess.run([ROOT / "lorikeet", *args, "--json"], env=env, text=True, stdout=subprocess.PIPE)
    if done.returncode != 0:
        raise SystemExit(f"lorikeet {' '.join(args)} ended with {done.returncode}")
    return json.loads(done.stdout)


def layout(cache: Path) -> dict:
    """What stands at every path: a link's target, a tree's meaning, or the bytes themselves."""
    found = {}
    for path in sorted(cache.rglob("*")):
        name = path.relative_to(cache).as_posix()
        if path.is_symlink():
            found[name] = f"-> {os.readlink(path)}"
        elif path.is_file() and "/trees/" in f"/{name}":
            found[name] = json.loads(path.read_text())
        elif path.is_file() and name != "CACHEDIR.TAG":
            found[name] = path.read_bytes() if not name.startswith(".locks/") else b""
    return found


def python(home: Path, endpoint: str, code: str):
    """Runs code in a process of its own: huggingface_hub reads its variables once."""
    env = os.environ | {"HF_HOME": str(home), "HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_XET": "1",
                        "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], env=env, check=True)


FIND = f"""
import os
os.environ["HF_HUB_OFFLINE"] = "1"
from pathlib import Path
from huggingface_hub import hf_hub_download, scan_cache_dir, snapshot_download
from transformers import AutoModelForCausalLM, AutoTokenizer
model = Path({str(MODEL)!r})
for file in sorted(model.iterdir()):
    found = hf_hub_download({NAME!r}, file.name, local_files_only=True)
    assert Path(found).read_bytes() == file.read_bytes(), file
folder = snapshot_download({NAME!r}, local_files_only=True)
assert sorted(os.listdir(folder)) == sorted(file.name for file in model.iterdir()), folder
info = scan_cache_dir()
assert not info.warnings and [repo.repo_id for repo in info.repos] == [{NAME!r}], info
revision, = next(iter(info.repos)).revisions
assert revision.refs == {{"main"}} and revision.nb_files == len(list(model.iterdir())), revision
loaded = AutoModelForCausalLM.from_pretrained({NAME!r}, local_files_only=True)
ids = AutoTokenizer.from_pretrained({NAME!r}, local_files_only=True)("The tree", return_tensors="pt")
print("python finds it:", loaded.config.model_type, ids["input_ids"].tolist()[0])
"""


def main():
    from hub_stub import COMMIT, Hub
    with tempfile.TemporaryDirectory() as temp:
        ours, theirs, broken = Path(temp, "ours"), Path(temp, "theirs"), Path(temp, "broken")
        hub = Hub(MODEL, NAME)
        downloaded = lorikeet(ours, hub.endpoint, "download", NAME)
        assert downloaded["commit"] == COMMIT and downloaded["fetched_files"] == len(hub.files), downloaded
        python(theirs, hub.endpoint, f"import huggingface_hub as h; h.snapshot_download({NAME!r})")
        a, b = layout(ours / "hub"), layout(theirs / "hub")
        assert a == b, {path: (a.get(path), b.get(path)) for path in a.keys() | b.keys() if a.get(path) != b.get(path)}
        print(f"the same {len(a)} files and links in both caches")
        python(ours, hub.endpoint, FIND)

        before = len(hub.requests)
        again = lorikeet(theirs, hub.endpoint, "download", NAME)
        assert again["fetched_files"] == 0 and len(hub.requests) == before + 1, again
        checked = lorikeet(theirs, hub.endpoint, "models", "inspect", NAME, "--verify")
        assert checked["missing"] == [] and checked["damaged"] == [], checked
        print("lorikeet finds Python's download whole")
        hub.close()

        cutting = Hub(MODEL, NAME, cut=20_000)
        lorikeet(broken, cutting.endpoint, "download", NAME)
        assert layout(broken / "hub") == a
        parts = sum("Range" in headers for _, path, headers in cutting.requests if path.startswith("/store/"))
        assert parts > 0
        print(f"a download that broke {parts} times ended with the same cache")
        tokens = [h.get("Authorization") for _, p, h in cutting.requests + hub.requests if p.startswith("/store/")]
        assert tokens and not any(tokens), "the token was sent to another host"
        cutting.close()


if __name__ == "__main__":
    main()
