# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line as people and scripts meet it."""
import json
import os
import pty
import re
import subprocess

import pytest

from conftest import BUILD, vigil

ROWS = [
    # arguments, exit status, in stdout, in stderr
    (["--version"], 0, "vigil ", ""),
    (["--help"], 0, "Commands:", ""),
    (["help", "inotify", "check"], 0, "--need-watches", ""),
    (["inotify", "raise", "--help"], 0, "--dry-run", ""),
    (["stauts"], 2, "", "Did you mean 'status'?"),
    (["inotify", "list", "--jsn"], 2, "", "Did you mean --json?"),
    (["inotify", "list", "--by"], 2, "", "--by: missing argument. 'vigil help inotify list'"),
    (["help", "inotify", "list", "x"], 2, "", "takes [COMMAND]...: 'vigil help help'"),
    (["inotify", "list", "--by=colour"], 2, "", "expected process, exe"),
    (["inotify", "list", "--sort=x"], 2, "", "--sort=x"),
    (["inotify", "list", "-n", "0"], 2, "", "from 1 on"),
    (["inotify", "list", "--color=pink"], 2, "", "auto, always or never"),
    (["inotify", "raise"], 2, "", "instances|watches"),
    (["inotify", "raise", "fish"], 2, "", "expected instances or watches"),
    (["inotify", "raise", "watches", "-5"], 2, "", "-5"),
    (["inotify", "raise", "watches", "99999999999999999999"], 2, "", "expected a number"),
    (["inotify", "raise", "watches", "--dry-run"], 0, "/etc/sysctl.d/60-vigil-inotify.conf", ""),
    (["inotify", "explain", "abc"], 2, "", "is no PID"),
    (["inotify", "explain", "4194305"], 1, "", "there is none"),
    (["inotify", "check", "--need-instances", "1"], 0, "INOTIFY OK", ""),
    (["inotify", "check", "--need-instances", "1000000"], 2, "INOTIFY CRITICAL", ""),
    (["inotify", "check", "--warning", "x"], 3, "", "--warning=x"),
    (["inotify", "check", "-w", "90", "-c", "10"], 3, "", "above --critical"),
    (["inotify", "check", "-q"], 0, "", ""),
    (["inotify", "no-such-program-here"], 1, "", "No process"),
    (["status", "--proc", "/nonexistent"], 1, "", "Cannot open '/nonexistent'"),
]


@pytest.mark.parametrize("args, status, out, err", ROWS, ids=[" ".join(r[0]) for r in ROWS])
def test_rows(args, status, out, err):
    done = vigil(*args)
    assert done.returncode == status, done
    assert out in done.stdout and err in done.stderr
    assert done.stderr.count("\n") <= 1  # errors are one line


GERMAN = {"LANGUAGE": "de", "LC_ALL": "C.UTF-8"}


def test_translations_are_found_from_the_build_tree():
    done = vigil("--help", env=GERMAN)
    assert done.returncode == 0 and done.stdout.startswith("Aufruf: vigil BEFEHL")
    assert "Befehle:" in done.stdout and "wer wie viele inotify-Instanzen" in done.stdout and "Commands:" not in done.stdout
    assert "Gemeint war „status“?" in vigil("stauts", env=GERMAN).stderr
    # what programs read stays
    links = [[c["link"] for c in json.loads(vigil("doctor", "--json", env=env).stdout)["checks"]] for env in ({}, GERMAN)]
    assert links[0] == links[1] and "inotify use" in links[0]
    rows = [[r["resource"] for r in json.loads(vigil("inotify", "explain", "--json", env=env).stdout)["resources"]] for env in ({}, GERMAN)]
    assert rows[0] == rows[1]
    assert "totals" in json.loads(vigil("inotify", "--json", env=GERMAN).stdout)
    assert vigil("inotify", "--sort=watches", env=GERMAN).stdout.split()[0] == "PID"
    assert vigil("--help", env=dict(GERMAN, LC_ALL="C")).stdout.startswith("Usage:")
    daemon = subprocess.run([BUILD / "vigil-monitord", "--help"], env=dict(os.environ, **GERMAN), capture_output=True, text=True, timeout=20)
    assert "eine Zeile je Ereignis" in daemon.stdout


def test_status_lines_up_in_any_language():
    for env in ({}, GERMAN):
        lines = vigil("status", "--color=never", env=env).stdout.splitlines()
        assert len({re.search("[█░]", line).start() for line in lines if re.search("[█░]", line)}) == 1


def fixture(tmp_path, name="evil\n\033[31m"):
    """A tree with one holder whose every text is hostile."""
    p = tmp_path / "proc/77"
    (p / "fd").mkdir(parents=True)
    (p / "fdinfo").mkdir()
    os.symlink("anon_inode:inotify", p / "fd/3")
    (p / "fdinfo/3").write_text("inotify wd:1 ino:1 sdev:1\n" * 3)
    (p / "status").write_text("Name:\tx\nState:\tS\nPPid:\t1\nUid:\t0\t0\t0\t0\n")
    (p / "comm").write_text(name + "\n")
    (p / "cmdline").write_bytes(b"a\0\033]0;title\007\xff\xfe\xe2\x80\xaegnp\0" + b"z" * 9000)
    for f, v in (("max_user_instances", "128"), ("max_user_watches", "65536")):
        path = tmp_path / "proc/sys/fs/inotify" / f
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(v)
    return str(tmp_path / "proc")


def test_hostile_text_reaches_no_terminal(tmp_path):
    tree = fixture(tmp_path)
    for args in (["inotify"], ["status"], ["inotify", "--by", "app"], ["inotify", "explain", "77"]):
        done = vigil(*args, "--proc", tree)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\x9b\u202e]", done.stdout), args
    data = json.loads(vigil("inotify", "list", "--json", "--proc", tree).stdout)
    assert data["processes"][0]["watches"] == 3


def in_terminal(argv, columns, env):
    """Runs argv on a pseudo-terminal of that width; gives what a screen would get."""
    def child():
        import fcntl, struct, termios
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.execvpe(argv[0], argv, env)
    pid, fd = pty.fork()
    if pid == 0:
        child()
    out = b""
    while True:
        try:
            chunk = os.read(fd, 65536)
        except OSError:
            break
        if not chunk:
            break
        out += chunk
    os.waitpid(pid, 0)
    os.close(fd)
    return out.decode("utf-8")


@pytest.mark.parametrize("columns", [80, 60, 132])
def test_tables_fit_the_terminal(tmp_path, columns):
    tree = fixture(tmp_path)
    env = dict(os.environ, LC_ALL="C.UTF-8", TERM="xterm", PAGER="cat", NO_COLOR="1")
    out = in_terminal([str(BUILD / "vigil"), "inotify", "--proc", tree], columns, env)
    assert "…" in out
    table = out.replace("\r", "").split("\n\n")[0].splitlines()
    assert max(len(line) for line in table) <= columns
    assert len(vigil("inotify", "--proc", tree).stdout.splitlines()[1]) > 4000  # piped: nothing is cut


def test_colour_only_where_asked(tmp_path):
    tree = fixture(tmp_path, "x")
    assert "\033" not in vigil("inotify", "--proc", tree).stdout
    assert "\033[1m" in vigil("inotify", "--proc", tree, "--color=always").stdout


def test_the_pager_is_tame_under_sudo(tmp_path):
    tree = fixture(tmp_path)
    marker = tmp_path / "ran"
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "less").write_text(f"#!/bin/sh\necho \"secure=$LESSSECURE\" >{marker}\ncat\n")
    (bin_ / "less").chmod(0o755)
    base = dict(os.environ, LC_ALL="C.UTF-8", TERM="xterm", PATH=f"{bin_}:{os.environ['PATH']}")
    argv = [str(BUILD / "vigil"), "help"]
    in_terminal(argv, 40, dict(base, SUDO_UID="1000", PAGER=f"touch {tmp_path}/pwned; cat"))
    assert not (tmp_path / "pwned").exists()
    assert marker.read_text() == "secure=1\n"
    in_terminal(argv, 40, dict(base, PAGER=f"touch {tmp_path}/mine; cat"))
    assert (tmp_path / "mine").exists()


def test_no_pager_on_a_dumb_terminal(tmp_path):
    env = dict(os.environ, LC_ALL="C.UTF-8", TERM="dumb", PAGER=f"touch {tmp_path}/mine; cat")
    assert "Commands:" in in_terminal([str(BUILD / "vigil"), "help"], 40, env)
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("args", [["status"], ["inotify"], ["inotify", "--json"], ["help"], ["--version"]], ids=" ".join)
def test_output_that_cannot_be_written_is_an_error(args):
    with open("/dev/full", "w") as full:
        done = subprocess.run([BUILD / "vigil", *args], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1 and "Cannot write the output: No space left on device." in done.stderr
    closed = subprocess.run(["sh", "-c", '"$0" "$@" >&-', BUILD / "vigil", *args], stderr=subprocess.PIPE, text=True, timeout=60)
    assert closed.returncode == 1 and closed.stderr.count("\n") == 1
    # who read enough is no error
    cut = subprocess.run(["bash", "-c", '"$0" "$@" | true; echo ${PIPESTATUS[0]}', BUILD / "vigil", *args], capture_output=True, text=True, timeout=60)
    assert cut.stdout.strip() in ("0", "141") and cut.stderr == ""


def test_help_manual_and_completions_agree():
    overview = vigil("help").stdout
    man = vigil("--generate", "man").stdout
    forms = {f: vigil("--generate", f).stdout for f in ("bash", "zsh", "fish")}
    commands = re.findall(r"^  ((?:inotify|crash) \w+|status|events|setup|doctor|help)\b", overview, re.M)
    assert len(commands) == 28
    for command in commands:
        assert f".It Cm {command.replace(' ', ' Cm ')}" in man
        options = set(re.findall(r"--([a-z-]+)", vigil(*command.split(), "--help").stdout.split("Options:")[1]))
        assert {"help", "json"} <= options
        for option in options:
            assert f"Fl -{option}" in man
            for form, text in forms.items():
                assert option in text, (form, option)
        for text in forms.values():
            assert command.split()[-1] in text
    for form, shell in (("bash", "bash"),):
        assert subprocess.run([shell, "-n"], input=forms[form], text=True, timeout=10).returncode == 0


def test_called_as_inotify_survey(tmp_path):
    link = tmp_path / "inotify-survey"
    link.symlink_to(BUILD / "vigil")
    done = subprocess.run([str(link), "--json"], capture_output=True, text=True, timeout=60)
    assert "totals" in json.loads(done.stdout)


def test_install_and_uninstall(tmp_path):
    for goal in ("install", "uninstall"):
        done = subprocess.run(["make", "-s", goal, f"DESTDIR={tmp_path}", "PREFIX=/usr"], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        files = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if not p.is_dir())
        if goal == "uninstall":
            assert files == []
            assert not [p for p in tmp_path.rglob("*vigil*") if p.is_dir()]
            return
        for want in ("usr/bin/vigil", "usr/bin/inotify-survey", "usr/bin/vigil-monitord", "usr/libexec/vigil/vigil-helper",
                     "usr/lib/systemd/system/vigil-helper.service", "usr/lib/systemd/user/vigil-monitord.service",
                     "usr/share/dbus-1/system-services/org.vigil.Helper1.service", "usr/share/dbus-1/services/org.vigil.Monitor1.service",
                     "usr/share/dbus-1/system.d/org.vigil.Helper1.conf", "usr/share/polkit-1/actions/org.vigil.helper.policy",
                     "usr/share/man/man1/vigil.1", "usr/share/locale/de/LC_MESSAGES/vigil.mo", "usr/share/vigil/schema/inotify.schema.json"):
            assert want in files, want
        assert "@" not in (tmp_path / "usr/lib/systemd/system/vigil-helper.service").read_text().split("[Service]")[1].split("SystemCall")[0]
        assert "/usr/libexec/vigil/vigil-helper" in (tmp_path / "usr/lib/systemd/system/vigil-helper.service").read_text()
