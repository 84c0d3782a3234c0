# SPDX-License-Identifier: GPL-2.0-or-later
"""Servers of debug files: the real one, and ones that misbehave on purpose and count who asked."""
import os
import shutil
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from conftest import wait_for

SOURCE = """
static int deep(int *p) { return *p + 1; }
int middle(int *p) { return deep(p) + 2; }
int main(void) { return middle((int *)0); }
"""


def build_id(path):
    notes = subprocess.run(["readelf", "-n", str(path)], capture_output=True, text=True, check=True).stdout
    return notes.split("Build ID: ")[1].split()[0]


def stripped_program(folder, name="program", source=SOURCE):
    """A program without debug information, and the file that has it. Gives both and the build id."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.c").write_text(source)
    program, debug = folder / name, folder / f"{name}.debug"
    subprocess.run(["gcc", "-g", "-O0", "-Wl,--build-id=sha1", "-o", str(program), str(folder / f"{name}.c")], check=True)
    subprocess.run(["objcopy", "--only-keep-debug", str(program), str(debug)], check=True)
    subprocess.run(["strip", str(program)], check=True)
    return program, debug, build_id(program)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def real_server(processes, tmp_path, files):
    """elfutils' own debuginfod over copies of these files; gives its URL once it knows them."""
    folder = tmp_path / "served"
    folder.mkdir()
    for file in files:
        shutil.copy(file, folder)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    processes.start(["debuginfod", "-F", str(folder), "-d", str(tmp_path / "debuginfod.sqlite"), "-p", str(port), "-t", "0"],
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ, DEBUGINFOD_URLS=""))

    def knows(file):
        try:
            return urllib.request.urlopen(f"{url}/buildid/{build_id(file)}/debuginfo", timeout=5).status == 200
        except (urllib.error.URLError, OSError):
            return False
    for file in files:
        wait_for(f"{file} in the server's list", lambda f=file: knows(f))
    return url


class Server:
    """HTTP on loopback. answers: what follows /buildid/ -> bytes, a status, or a function that writes the answer itself."""

    def __init__(self, answers=None):
        self.answers, self.asked, self.headers = answers or {}, [], []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                outer.headers.append(dict(self.headers))
                answer = outer.answers.get(self.path.removeprefix("/buildid/"), 404)
                if callable(answer):
                    answer(self)
                elif isinstance(answer, int):
                    self.send_error(answer)
                elif len(answer) > int(self.headers.get("X-DEBUGINFOD-MAXSIZE", 1 << 60)):
                    self.send_error(406)  # as the real one
                else:
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)

            def log_message(self, *args):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()


class Silent:
    """Takes every connection and says nothing."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.connections = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        try:
            while True:
                self.connections.append(self.socket.accept()[0])
        except OSError:
            return

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for c in self.connections:
            c.close()
