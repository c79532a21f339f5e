"""The program in copies of a process that has imported all of it: begun by `command_line`, with a socket as its input.

Each message is a list of the program's words and a folder to work in, with two open files for its output and errors. A
copy of this process then does what the installed program does with these words, and its exit code is sent back.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import socket
import sys
import threading
import warnings


def load():
    """Import what any verb imports; the libraries of the extras and those that start threads are left to the copies."""
    import tensorrank

    for module in pkgutil.walk_packages(tensorrank.__path__, "tensorrank."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    gc.freeze()


def wait_for_words():
    """Make a copy for each message; returns in the copies alone."""
    connection = socket.socket(fileno=os.dup(0))
    while True:
        message, files, *_ = socket.recv_fds(connection, 2**20, 2)
        if not message:
            os._exit(0)
        child = os.fork()
        if not child:
            connection.close()
            become(*json.loads(message), *files)
            return
        for file in files:
            os.close(file)
        connection.send(b"%d" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def become(words, folder, output, errors):
    """Give this process the words, the folder and the streams of a program."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for stream, file in enumerate((nothing, output, errors)):
        os.dup2(file, stream)
        os.close(file)
    os.chdir(folder)
    sys.argv = words


def end(code):
    """End this process as the interpreter does, but without taking apart all that was imported."""
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    # Libraries of linear algebra have threads, which wait for work and take no locks.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded, use of fork", DeprecationWarning)
    load()
    wait_for_words()
    from tensorrank.cli.main import main

    try:
        main()
    except SystemExit as left:
        end(left.code or 0)
    end(0)
