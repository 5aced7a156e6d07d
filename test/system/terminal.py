# SPDX-License-Identifier: Apache-2.0
"""Somebody at a terminal, who answers what a program asks there.

    status, shown, output = terminal.play(words, environment, answers=[b"a secret\\n"])
"""
import fcntl
import os
import pty
import select
import signal
import struct
import termios

from instance import check


def play(words, environment, answers=(), kill=None):
    """Runs a program on a terminal of its own, and answers each prompt (or kills it there); (status, all that the terminal showed, standard output)."""
    read_out, write_out = os.pipe()
    child, terminal = pty.fork()
    if child == 0:
        os.dup2(write_out, 1)
        os.execve(words[0], words, environment)
    os.close(write_out)
    shown, left = b"", list(answers)
    while True:
        if not select.select([terminal], [], [], 60)[0]:
            check(False, f"{words}: nothing more is shown after {shown}")
            os.kill(child, signal.SIGKILL)
        try:
            piece = os.read(terminal, 1000)
        except OSError:
            break
        if not piece:
            break
        shown += piece
        if shown.endswith(b": "):
            if kill:
                os.kill(child, kill)
                kill = None
            elif left:
                os.write(terminal, left.pop(0))
    output = os.read(read_out, 100000)
    os.close(read_out)
    os.close(terminal)
    return os.waitpid(child, 0)[1], shown.decode(), output.decode()


def show(words, environment, columns):
    """What a program that asks nothing shows on a terminal of so many columns."""
    child, terminal = pty.fork()
    if child == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.execve(words[0], words, environment)
    shown = b""
    while True:
        try:
            piece = os.read(terminal, 10000)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(terminal)
    check(os.waitpid(child, 0)[1] == 0, (words, shown))
    return shown.decode().replace("\r\n", "\n")
