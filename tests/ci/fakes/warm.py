"""genai-iac, loaded once and forked for each command: what a command is given and does is that of a fresh process, but for the imports.

`warm.py SOCKET` serves; `warm.py SOCKET WORD…` asks it to run genai-iac with these words, here, and ends as that ends.
"""

import json
import os
import socket
import sys
from pathlib import Path


def ask(path: str, words: list[str]) -> None:
    """Hand over the words, the directory, the environment and the three streams; exit as the command exits."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.connect(path)
        request = json.dumps([words, str(Path.cwd()), dict(os.environ)]).encode()
        socket.send_fds(listener, [len(request).to_bytes(4, "big")], [0, 1, 2])
        listener.sendall(request)
        sys.exit(int(listener.makefile().read() or "70"))


def serve(path: str) -> None:
    """Import what commands import, then fork a process for each until this one is ended."""
    import signal
    from importlib import import_module
    from pkgutil import walk_packages

    import genai_iac

    for module in walk_packages(genai_iac.__path__, "genai_iac."):
        if ".emulator" not in module.name and not module.name.endswith("__main__"):
            import_module(module.name)
    import oci  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        while True:
            asked = listener.accept()[0]
            if os.fork() == 0:
                run(asked)
            asked.close()


def run(asked: socket.socket) -> None:
    """One command, in a process that ends with it."""
    import signal

    from genai_iac.cli import main

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    length, streams, _, _ = socket.recv_fds(asked, 4, 3)
    words, folder, environ = json.loads(asked.recv(int.from_bytes(length, "big"), socket.MSG_WAITALL))
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    code = 70
    try:
        main(words)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        asked.sendall(str(code).encode())
        os._exit(0)


if len(sys.argv) > 2:
    ask(sys.argv[1], sys.argv[2:])
else:
    serve(sys.argv[1])
