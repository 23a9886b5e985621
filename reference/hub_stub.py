"""A hub with one repository, made of a folder: what `lorikeet download` and huggingface_hub ask for.

Run: python reference/hub_stub.py DIR [--port N] [--name OWNER/NAME] [--cut BYTES]

Prints the address to set HF_ENDPOINT to, and serves until it is ended. Files of more than 4 KiB lie
in "large file storage": the hub redirects to a second host, as the real one does. With --cut every
answer of that host breaks off after so many bytes of the file that are new.
"""

import argparse
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "c0ffee" * 6 + "beef"
LARGE = 4096


def git_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Hub:
    """Two servers of this machine; `hub` is called localhost and `store` 127.0.0.1."""

    def __init__(self, folder: Path, name: str, port: int = 0, cut: int = 0):
        self.name, self.cut = name, cut
        self.files = {path.relative_to(folder).as_posix(): path.read_bytes()
                      for path in sorted(folder.rglob("*")) if path.is_file()}
        self.requests = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                stub.answer(self)

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        self.hub = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.store = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        for server in (self.hub, self.store):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        self.endpoint = f"http://localhost:{self.hub.server_port}"

    def close(self):
        self.hub.shutdown()
        self.store.shutdown()

    def answer(self, request):
        path = unquote(urlsplit(request.path).path)
        self.requests.append((request.command, path, dict(request.headers)))
        api, resolve = f"/api/models/{self.name}", f"/{self.name}/resolve/"
        if path in (f"{api}/revision/main", f"{api}/revision/{COMMIT}"):
            self.send(request, json.dumps(
                {"id": self.name, "sha": COMMIT, "siblings": [{"rfilename": f} for f in self.files]}).encode())
        elif path == f"{api}/tree/{COMMIT}":
            self.send(request, json.dumps([self.entry(f) for f in self.files]).encode())
        elif path.startswith(resolve):
            file = path[len(resolve):].split("/", 1)[1]
            self.resolve(request, file)
        elif path.startswith("/store/"):
            self.serve(request, self.files[path[len("/store/"):]])
        else:
            self.send(request, b"", 404, {"X-Error-Code": "RepoNotFound"})

    def entry(self, file: str) -> dict:
        content = self.files[file]
        entry = {"type": "file", "path": file, "size": len(content), "oid": git_id(content)}
        if len(content) > LARGE:
            entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
        return entry

    def resolve(self, request, file: str):
        if file not in self.files:
            self.send(request, b"", 404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": COMMIT})
            return
        content = self.files[file]
        headers = {"X-Repo-Commit": COMMIT}
        if len(content) <= LARGE:
            self.send(request, content, 200, headers | {"ETag": f'"{git_id(content)}"'})
            return
        self.send(request, b"", 302, headers | {
            "Location": f"http://127.0.0.1:{self.store.server_port}/store/{file}",
            "X-Linked-Etag": f'"{hashlib.sha256(content).hexdigest()}"',
            "X-Linked-Size": str(len(content))})

    def serve(self, request, content: bytes):
        start = int(request.headers.get("Range", "bytes=0-")[6:].rstrip("-"))
        headers = {"ETag": '"stored"', "Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        status = 206 if "Range" in request.headers else 200
        self.send(request, content[start:], status, headers, self.cut)

    @staticmethod
    def send(request, body: bytes, status: int = 200, headers: dict = {}, cut: int = 0):
        request.send_response(status)
        for key, value in headers.items():
            request.send_header(key, value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if request.command == "GET":
            request.wfile.write(body[:cut] if cut else body)
            if cut and len(body) > cut:
                request.close_connection = True


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--name", default="parrots/tiny")
    parser.add_argument("--cut", type=int, default=0)
    args = parser.parse_args()
    hub = Hub(args.folder, args.name, args.port, args.cut)
    print(f"HF_ENDPOINT={hub.endpoint}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
