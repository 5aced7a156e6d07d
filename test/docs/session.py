#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""session -- run the shell sessions of a page and hold what they print to what the page says; output is TAP

    session.py PAGE

A session is a block that starts with ```sh session. In it "$ COMMAND" is run (a command that ends with a backslash
goes on in the next line, which starts with "> "; so do the lines of a here-document, <<'WORD'), and what follows up to the next command is what it prints. "..." stands for anything
within a line, a line "..." for any number of lines. All sessions of a page run one after another in one bash, in an
empty directory but for a link to ./dev, with the program in PATH and an instance of their own in STRATA_DIR; standard error is printed with
standard output. A session stops what it starts.
"""
import os
import pathlib
import re
import subprocess
import sys

page = pathlib.Path(sys.argv[1])
END = "-- end of command --"


def blocks(text):
    for found in re.finditer(r"^```sh session\n(.*?)^```", text, re.S | re.M):
        yield text.count("\n", 0, found.start(1)) + 1, found[1].splitlines()


def goes_on(command):
    """Whether bash would ask for another line: after a backslash, and inside a here-document."""
    document = re.search(r"<<'(\w+)'", command)
    return command.endswith("\\") or (document and document[1] not in command.splitlines()[1:])


def steps():
    """(line, command, expected lines) of the whole page."""
    for first, lines in blocks(page.read_text()):
        step = None
        for number, line in enumerate(lines, first):
            if line.startswith("$ "):
                if step:
                    yield step
                step = (number, line[2:], [])
            elif step is None:
                sys.exit(f"{page}:{number}: a session starts with '$ COMMAND'")
            elif goes_on(step[1]) and line.startswith("> "):
                step = (step[0], step[1] + "\n" + line[2:], [])
            else:
                step[2].append(line)
        if step:
            yield step


def pattern(expected):
    """The expected lines as one regular expression."""
    parts = []
    for line in expected:
        if line.strip() == "...":
            parts.append(r"(?:[^\n]*\n)*")
        else:
            parts.append(r"[^\n]*".join(re.escape(part.rstrip() if at == line.count("...") else part)
                                        for at, part in enumerate(line.split("..."))) + r"[ \t]*\n")
    return "".join(parts)


def main():
    home = pathlib.Path(os.environ.get("TMPDIR", ".")).resolve()
    program = pathlib.Path(os.environ["STRATA"]).resolve()
    env = dict(os.environ, PATH=f"{program.parent}:{os.environ['PATH']}", STRATA_DIR=str(home / "instance"), HOME=str(home), COLUMNS="100")
    (home / "dev").symlink_to(pathlib.Path(__file__).resolve().parents[2] / "dev")
    bash = subprocess.Popen(["bash", "--noprofile", "--norc"], cwd=home, env=env, text=True, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    count = bad = 0
    for line, command, expected in steps():
        # Commands read nothing: what follows for bash is not theirs.
        bash.stdin.write(f"{{ {command}\n}} </dev/null\nlast=$?; printf '\\n%s\\n' '{END}'; (exit $last)\n")
        bash.stdin.flush()
        got = ""
        while not got.endswith(f"\n{END}\n") and (more := bash.stdout.readline()):
            got += more
        got = got.removesuffix(f"\n{END}\n")
        if got and not got.endswith("\n"):
            got += "\n"
        count += 1
        ok = re.fullmatch(pattern(expected), got) is not None
        bad += not ok
        if not ok:
            print("".join(f"# said: {text}\n" for text in got.splitlines()) + "".join(f"# page: {text}\n" for text in expected), end="")
        print(f"{'' if ok else 'not '}ok {count} - {page.name}:{line}: {command.splitlines()[0]}", flush=True)
    bash.stdin.close()
    bash.wait()
    print(f"1..{count}")
    return bad != 0


sys.exit(main())
