#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The commands about keys as a user meets them: files and modes, passphrases from everywhere, wrong lines. Usage: 40_key.py STRATA

Nothing is up.
"""
import json
import os
import pathlib
import pty
import re
import signal
import stat
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import terminal  # noqa: E402
from instance import DIR, STRATA, TOP, check, run_all  # noqa: E402

KEYS = DIR / "keys"
HEX = re.compile(r"[0-9a-f]{64}")
SOMEBODY = "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"


def environment(**more):
    return {k: v for k, v in os.environ.items() if not k.startswith(("STRATA_", "PG"))} | more


def key(*words, status=0, data=b"", dir=DIR, **env):
    """Runs `strata key ...` without a terminal; holds the exit status and what goes with it."""
    done = subprocess.run([STRATA, "-C", str(dir), "key", *words], env=environment(**env), capture_output=True, cwd=TOP, input=data,
                          start_new_session=True)
    check(done.returncode == status, f"key {words}: status {done.returncode} and not {status}: {done.stderr.decode()}")
    check(bool(done.stderr) == (status != 0), f"key {words}: {done.stderr.decode()}")
    return done


def made(*words, **env):
    return json.loads(key(*words, "--json", **env).stdout)


def listed(*words, **env):
    return [json.loads(line) for line in key("list", *words, "--json", **env).stdout.splitlines()]


def refused(*words, status, says, **env):
    done = key(*words, status=status, **env)
    text = done.stderr.decode()
    check(says in text and text.startswith("strata: ") and text.count("\n") <= 2, f"key {words}: {text}")
    return text


def file_with(name, text):
    path = TOP / name
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def begin_anew():
    subprocess.run(["rm", "-rf", str(KEYS)], check=True)
    KEYS.mkdir(mode=0o700)


def on_terminal(*words, answers=(), kill=None, **env):
    """Runs `strata key ...` on a terminal of its own: answers each prompt; (status, all that the terminal showed, output)."""
    return terminal.play([STRATA, "-C", str(DIR), "key", *words], environment(TERM="dumb", **env), answers, kill)


# ---- the store ----

def scene():
    subprocess.run([STRATA, "init", str(DIR)], env=environment(), check=True, capture_output=True)


def a_key_is_made_and_listed_and_its_files_are_for_the_owner_only():
    os.umask(0)
    ann = made("new", "--name", "ann")
    check(HEX.fullmatch(ann["key"]) and ann["kind"] == "identity" and ann["name"] == "ann" and ann["parent"] is None, ann)
    laptop = made("new", "--kind", "device", "--parent", "ann")
    check(laptop["parent"] == ann["key"] and laptop["name"] is None, laptop)
    check([k["key"] for k in listed()] == [ann["key"], laptop["key"]], listed())
    check([k["key"] for k in listed("--kind", "device")] == [laptop["key"]], listed("--kind", "device"))
    os.umask(0o022)
    for path in [KEYS, *KEYS.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        check(mode == (0o700 if path.is_dir() else 0o600), f"{path}: {mode:o}")
    check(sorted(path.name for path in KEYS.iterdir()) == ["own", "root", "unlock"], list(KEYS.iterdir()))


def no_key_has_a_name_that_another_has():
    refused("new", "--name", "ann", status=5, says="there is a key called 'ann' already")
    refused("import", "--public", SOMEBODY, "--name", "ann", status=5, says="'ann'")
    check(len(listed()) == 2, listed())


def the_keys_of_others_have_names():
    bob = made("import", "--public", SOMEBODY.upper(), "--name", "bob", "--kind", "peer")
    check(bob["key"] == SOMEBODY and bob["kind"] == "peer", bob)
    check(made("import", "--public", SOMEBODY, "--name", "robert")["name"] == "robert", "renamed")
    check([(k["key"], k["own"]) for k in listed("--known")] == [(SOMEBODY, False)], listed("--known"))
    check(all(k["own"] for k in listed("--own")) and len(listed()) == 3, listed())
    own = listed("--own")[0]["key"]
    refused("import", "--public", own, "--name", "me", status=5, says="your own")
    refused("export", "robert", status=4, says="its secret is not here")
    check(b"PUBLIC KEY" in key("export", "robert", "--public").stdout, "exported")
    refused("remove", "nobody", status=4, says="there is no key 'nobody'")
    check(made("remove", SOMEBODY[:8])["removed"] == SOMEBODY and not listed("--known"), "removed")


def an_own_key_goes_only_when_that_is_said():
    gone = made("new", "--name", "gone")["key"]
    refused("remove", "gone", status=2, says="one of the own")
    check(made("remove", "--own", gone)["removed"] == gone and gone not in [k["key"] for k in listed()], listed())


# ---- lines that are wrong ----

def a_wrong_line_is_a_usage_error():
    for words, says in [
        ((), "not a whole command"), (("nosuch",), "nosuch"), (("new", "x"), "does not take"), (("new", "--kind", "x"), "--kind"),
        (("new", "--name", ""), "cannot be called"), (("new", "--name", "-x"), "cannot be called"), (("new", "--name", "a\nb"), "cannot be called"),
        (("new", "--name", SOMEBODY), "cannot be called"), (("new", "--nosuch"), "nosuch"), (("export",), "needs KEY"), (("remove",), "needs KEY"),
        (("import",), "either"), (("import", "x", "--public", SOMEBODY), "either"), (("import", "--public", "12"), "64 hexadecimal digits"),
        *((("import", "--public", nobody, "--name", "x"), "nobody's") for nobody in ("0" * 64, "01" + "0" * 62, "02" + "0" * 62, "f" * 64)),
        (("import", "--public", SOMEBODY), "needs a name"), (("import", "--public", SOMEBODY, "--name", ""), "cannot be called"),
        (("export", "ann", "--public", "--plain"), "exclude"), (("export", "ann", "--public", "--export-passphrase-file", "x"), "sealed"),
        (("change-passphrase", "--none", "--new-passphrase-file", "x"), "exclude"), (("new", "--passphrase-file", "x"), "no passphrase"),
        (("import", "x", "--kind", "peer"), "--kind"),
    ]:
        done = key(*words, status=2)
        check(says in done.stderr.decode(), f"{words}: {done.stderr.decode()}")
        error = json.loads(key(*words, "--json", status=2).stderr)["error"]
        check(error["code"] == "USAGE" and error["message"], error)
    refused("new", "--parent", "nobody", status=4, says="there is no key 'nobody'")
    refused("export", "nobody", status=4, says="strata key list")
    refused("import", "/nosuch", status=4, says="/nosuch")
    refused("import", "-", status=2, says="there is no key in it", data=b"some text\n")
    refused("list", status=4, says="there is no instance", dir=TOP / "nothing")


def what_is_printed_can_be_cut_off():
    for words in (["list"], ["list", "--json"], ["export", "--public", "ann"]):
        done = subprocess.run(["bash", "-c", 'set -o pipefail; "$@" | head -c 10', "-", STRATA, "-C", str(DIR), "key", *words],
                              env=environment(), capture_output=True)
        check(len(done.stdout) == 10 and not done.stderr, done)
    with open("/dev/full", "w") as full:
        done = subprocess.run([STRATA, "-C", str(DIR), "key", "list"], env=environment(), stdout=full, stderr=subprocess.PIPE)
        check(done.returncode == 6 and b"No space left" in done.stderr, done)


# ---- passphrases ----

def a_passphrase_is_given_changed_and_taken_away():
    right, wrong, later = file_with("right", "right one\n"), file_with("wrong", "wrong\n"), file_with("later", "later\r\nnot this\n")
    before = listed()
    changed = made("change-passphrase", "--new-passphrase-file", right)
    check(changed == {"locked_with": "passphrase", "file": None} and not (KEYS / "unlock").exists(), changed)
    check(listed() == before, "listing needs no passphrase")
    refused("new", status=9, says="no terminal")
    refused("new", "--passphrase-file", wrong, status=9, says="the passphrase is wrong")
    refused("new", status=9, says="$STRATA_PASSPHRASE", STRATA_PASSPHRASE="wrong")
    refused("new", "--passphrase-file", "/nosuch", status=4, says="/nosuch")
    refused("new", "--passphrase-file", file_with("empty", "\n"), status=2, says="is empty")
    os.chmod(file_with("shown", "right one\n"), 0o644)
    refused("new", "--passphrase-file", str(TOP / "shown"), status=3, says="chmod 600")
    refused("new", "--passphrase-file", file_with("long", "x" * 2000), status=10, says="longer")
    refused("change-passphrase", "--none", "--passphrase-file", wrong, status=9, says="wrong")
    check(len(listed()) == len(before), listed())
    made("new", "--passphrase-file", right)
    made("new", STRATA_PASSPHRASE="right one")
    made("new", "--passphrase-file", right, STRATA_PASSPHRASE="wrong")  # the option comes first
    made("change-passphrase", STRATA_PASSPHRASE="right one", STRATA_NEW_PASSPHRASE="between")
    made("change-passphrase", "--new-passphrase-file", later, STRATA_PASSPHRASE="between")
    refused("new", "--passphrase-file", right, status=9, says="wrong")
    made("new", "--passphrase-file", file_with("first", "later"))
    changed = made("change-passphrase", "--none", "--passphrase-file", later)
    check(changed == {"locked_with": "key file", "file": str(KEYS / "unlock")} and (KEYS / "unlock").exists(), changed)
    made("new")


def the_terminal_asks_without_showing():
    status, shown, _ = on_terminal("change-passphrase", answers=[b"a secret\n", b"another\n"])
    check(os.waitstatus_to_exitcode(status) == 2 and "not the same" in shown, shown)
    status, shown, output = on_terminal("change-passphrase", answers=[b"a secret\n", b"a secret\n"])
    check(os.waitstatus_to_exitcode(status) == 0 and "locked with  passphrase" in output, (shown, output))
    check("secret" not in shown and "new passphrase of the keys: " in shown and "again" in shown, shown)
    status, shown, output = on_terminal("new", "--json", answers=[b"wrong\n", b"a secret\n"])
    check(os.waitstatus_to_exitcode(status) == 0 and HEX.search(output) and "once more" in shown and "wrong" not in shown, (shown, output))
    status, shown, output = on_terminal("new", answers=[b"one\n", b"two\n", b"three\n", b"four\n"])
    check(os.waitstatus_to_exitcode(status) == 9 and shown.count("once more") == 2 and "the passphrase is wrong" in shown and not output, shown)
    status, shown, _ = on_terminal("new", answers=[b"\x04"])
    check(os.waitstatus_to_exitcode(status) == 130 and "no passphrase was given" in shown, (status, shown))
    status, shown, _ = on_terminal("new", answers=[b"\x03"])
    check(os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGINT, (status, shown))
    status, shown, _ = on_terminal("new", kill=signal.SIGTERM)
    check(os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGTERM, (status, shown))
    made("change-passphrase", "--none", STRATA_PASSPHRASE="a secret")


def the_terminal_shows_again_what_is_typed_whatever_ends_the_question():
    made("change-passphrase", STRATA_NEW_PASSPHRASE="a secret")
    for number in ("INT", "TERM", "HUP", "QUIT"):
        script = f'stty -echo 2>/dev/null; stty echo; ("$0" -C "$1" key new & p=$!; sleep 1; kill -{number} $p; wait $p) 2>/dev/null; stty -a'
        child, terminal = pty.fork()
        if child == 0:
            os.execve("/bin/bash", ["bash", "-c", script, STRATA, str(DIR)], environment(TERM="dumb"))
        shown = b""
        while True:
            try:
                piece = os.read(terminal, 1000)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        os.close(terminal)
        os.waitpid(child, 0)
        check(re.search(rb" echo ", shown) and b"passphrase of the keys" in shown, f"{number}: {shown}")
    made("change-passphrase", "--none", STRATA_PASSPHRASE="a secret")


def the_key_file_is_where_the_configuration_says_and_for_its_owner_only():
    begin_anew()
    stick = TOP / "stick"
    stick.mkdir(exist_ok=True)
    made("new", STRATA_KEYS_UNLOCK=str(stick / "unlock"))
    check((stick / "unlock").stat().st_mode & 0o777 == 0o600 and not (KEYS / "unlock").exists(), "elsewhere")
    made("new", STRATA_KEYS_UNLOCK=str(stick / "unlock"))
    refused("new", status=9, says="[keys] unlock")
    (stick / "unlock").chmod(0o640)
    refused("new", status=3, says="chmod 600", STRATA_KEYS_UNLOCK=str(stick / "unlock"))
    check(len(listed()) == 2, listed())
    begin_anew()


# ---- exports ----

def an_exported_key_is_taken_in_elsewhere():
    other = TOP / "other"
    subprocess.run([STRATA, "init", str(other)], env=environment(), check=True, capture_output=True)
    mine = made("new", "--name", "mine", "--kind", "feed")
    ours, wrong = file_with("ours", "for the journey\n"), file_with("wrong", "wrong\n")
    out = TOP / "mine.key"
    exported = made("export", "mine", "-o", str(out), "--export-passphrase-file", ours)
    check(exported["file"] == str(out) and out.stat().st_mode & 0o777 == 0o600, exported)
    refused("export", "mine", "-o", str(out), "--export-passphrase-file", ours, status=5, says="already")
    refused("export", "mine", status=9, says="--export-passphrase-file")
    check("BEGIN STRATA SEALED KEY" in made("export", mine["key"][:10], STRATA_EXPORT_PASSPHRASE="x")["armour"], "as JSON")
    refused("import", str(out), "--export-passphrase-file", wrong, status=9, says="not the passphrase", dir=other)
    check(listed(dir=other) == [], listed(dir=other))
    text = "Dear Ann,\nhere it is\n" + out.read_text().replace("\n", "\r\n") + "Yours\n"
    taken = made("import", "-", data=text.encode(), dir=other, STRATA_EXPORT_PASSPHRASE="for the journey")
    check(taken == mine, taken)
    refused("import", str(out), "--export-passphrase-file", ours, status=5, says="already", dir=other)
    public = key("export", "mine", "--public").stdout
    refused("import", "-", data=public, status=5, says="your own", dir=other)
    plain = key("export", "--plain", "mine", dir=other).stdout
    check(b"BEGIN STRATA SECRET KEY" in plain and plain == key("export", "--plain", "mine").stdout, "the same secret")
    key("remove", "--own", "mine", dir=other)
    check(made("import", "-", "--name", "again", data=plain, dir=other)["name"] == "again", "plain")


def a_damaged_export_is_told_from_a_wrong_passphrase():
    text = key("export", "--public", "mine").stdout.decode()
    lines = text.splitlines()
    for number, line in enumerate(lines[1:-1], 1):
        for at in (0, len(line) // 2, len(line) - 3):
            turned = lines.copy()
            turned[number] = line[:at] + ("A" if line[at] != "A" else "B") + line[at + 1:]
            done = key("import", "-", data="\n".join(turned).encode(), status=8)
            check(b"damaged" in done.stderr or b"not a key" in done.stderr, done.stderr)
    key("import", "-", data="\n".join(lines[:-1]).encode(), status=8)
    key("import", "-", data=text.replace("PUBLIC", "SEALED").encode(), status=8)
    key("import", "-", data=b"x" * 100000, status=10)


def a_damaged_file_hides_no_other_and_is_told_of():
    first = made("new", "--name", "first")["key"]
    path = KEYS / "own" / first
    good = path.read_bytes()
    path.write_bytes(good[:60] + bytes([good[60] ^ 1]) + good[61:])
    done = key("list", "--json", status=8)
    check(first in done.stderr.decode() and b"mine" in done.stdout and first.encode() not in done.stdout, done)
    refused("export", first, "--plain", status=8, says="damaged")
    path.write_bytes(good)
    check(first in [k["key"] for k in listed()], listed())


def keys_whose_root_is_missing_are_not_hidden_by_a_new_one():
    (KEYS / "root").rename(TOP / "root")
    refused("new", status=8, says="is missing")
    check(len(listed()) > 1, listed())
    (TOP / "root").rename(KEYS / "root")
    made("new")


def names_are_completed():
    done = subprocess.run([STRATA, "-C", str(DIR), "completion", "key-names"], env=environment(), capture_output=True)
    check(b"mine\n" in done.stdout and done.returncode == 0, done)


sys.exit(run_all(scene, [
    a_key_is_made_and_listed_and_its_files_are_for_the_owner_only,
    no_key_has_a_name_that_another_has,
    the_keys_of_others_have_names,
    an_own_key_goes_only_when_that_is_said,
    a_wrong_line_is_a_usage_error,
    what_is_printed_can_be_cut_off,
    a_passphrase_is_given_changed_and_taken_away,
    the_terminal_asks_without_showing,
    the_terminal_shows_again_what_is_typed_whatever_ends_the_question,
    the_key_file_is_where_the_configuration_says_and_for_its_owner_only,
    an_exported_key_is_taken_in_elsewhere,
    a_damaged_export_is_told_from_a_wrong_passphrase,
    a_damaged_file_hides_no_other_and_is_told_of,
    keys_whose_root_is_missing_are_not_hidden_by_a_new_one,
    names_are_completed,
]))
