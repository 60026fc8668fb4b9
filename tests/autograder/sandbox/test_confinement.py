"""Confinement from outside: children of a real server, root's and an ordinary user's, do honest and hostile work."""

import ast
import contextlib
import errno
import json
import math
import os
import select
import shlex
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

import autograder
from autograder.sandbox.confinement import confine, landlock, linux, privileges, seccomp

HERE = Path(__file__).parent / "confined"
PACKAGE = Path(autograder.__file__).parent
ORDINARY = 65534
USERS = ["root", "ordinary user"] if os.geteuid() == 0 else ["ordinary user"]
PERMISSION = ("EPERM", "EACCES", "EROFS")  # what is not its own scratch folder is read-only for it


def functions(pattern):
    return [
        (path.stem, node.name)
        for path in sorted(HERE.glob(pattern))
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    ]


def as_ordinary_user(command):
    """The command for an ordinary user, who gets to see this Python even where it lies in a folder closed to others."""
    needed = [Path(p).resolve() for p in (sys.prefix, sys.base_prefix, PACKAGE, HERE)]
    closed = {next((p for p in reversed(path.parents) if not p.stat().st_mode & 1), None) for path in needed} - {None}
    hidden = [path for path in needed if closed & {*path.parents}]
    script = ["cd /"]
    script += [f"exec {number}<{shlex.quote(str(path))}" for number, path in enumerate(hidden, 3)]
    script += [f"mount -t tmpfs -o mode=755 tmpfs {shlex.quote(str(path))}" for path in closed]
    for number, path in enumerate(hidden, 3):
        script += [
            f"mkdir -p {shlex.quote(str(path))}",
            f"mount --no-canonicalize --bind /proc/self/fd/{number} {shlex.quote(str(path))}",
            f"exec {number}<&-",
        ]
    script.append(f"exec setpriv --reuid {ORDINARY} --regid {ORDINARY} --clear-groups {shlex.join(command)}")
    shell = ["sh", "-e", "-c", "\n".join(script)]
    return ["unshare", "--mount", "--propagation", "private", *shell] if closed else shell


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen
    user: str
    folder: Path

    @classmethod
    @contextlib.contextmanager
    def started(cls, user, folder, *options):
        scratches = folder / "scratches"
        scratches.mkdir()
        command = [sys.executable, "-I", "-B", str(HERE / "server.py"), str(PACKAGE.parent), str(scratches), *options]
        if os.geteuid() == 0 and user != "root":
            os.chown(scratches, ORDINARY, ORDINARY)
            command = as_ordinary_user(command)
        environment = {"PATH": os.environ["PATH"], "GRADER_SECRET": "42"}
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
            try:
                yield cls(process, user, folder)
            finally:
                process.kill()

    def ask(self, operation, **request):
        self.process.stdin.write(json.dumps({"operation": operation, **request}).encode() + b"\n")
        self.process.stdin.flush()
        assert select.select([self.process.stdout], [], [], 60)[0], "no reply within a minute"
        return json.loads(self.process.stdout.readline())

    def act(self, module, function, *arguments, **options):
        return self.ask("act", module=module, function=function, arguments=arguments, **options)


@pytest.fixture
def folder():
    """A folder that every user may search."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module", params=USERS)
def server(request):
    """A warm server; its first child meets torch alone, cold."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        with Server.started(request.param, Path(name)) as server:
            server.ask("load", modules=["torch"])
            if request.param == USERS[0]:
                cold = server.act("torch_workloads", "dynamo", readable=[str(HERE)])
                assert "error" not in cold, cold
            modules = ("torchvision", "torch._dynamo", "attempts", "torch_attempts", *{name for name, _ in WORKLOADS})
            server.ask("load", modules=modules)
            yield server


@pytest.fixture(scope="module")
def neighbour(server):
    """A folder beside the scratch folder whose mode lets every user do anything."""
    folder = server.folder / "neighbour"
    folder.mkdir()
    (folder / "solution.py").write_text("secret")
    (folder / "empty").mkdir()
    for path in (folder, *folder.iterdir()):
        path.chmod(0o777)
        if os.geteuid() == 0:
            os.chown(path, ORDINARY, ORDINARY)
    return folder


WORKLOADS = functions("*_workloads.py")


@pytest.mark.parametrize(("module", "function"), WORKLOADS, ids=[name for _, name in WORKLOADS])
def test_honest_work_succeeds(server, module, function):
    done = server.act(module, function, readable=[str(HERE / f"{module}.py")])
    assert "error" not in done, done
    assert math.isfinite(done["result"])
    assert done["status"] == 0


SYSTEM_CALLS = ast.literal_eval(next(
    node.value for node in ast.parse((HERE / "attempts.py").read_text()).body
    if isinstance(node, ast.Assign) and node.targets[0].id == "CALLS"
))  # fmt: skip
PATHS = (
    str(HERE / "server.py"),
    "/etc/passwd",
    "../../../../../etc/passwd",
    "/proc/self/environ",
    "/proc/self/maps",
    "/proc/1/cmdline",
    "/proc/meminfo",
    "/proc/version",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/dev/zero",
    "/bin/sh",
)
FOLDERS = ("/", "/proc", "/proc/self/fd", "/etc", "/tmp", "/dev", "..", "/home", "/usr")
ON_FILES = (
    "read",
    "write",
    "append",
    "remove",
    "rename",
    "carry_off",
    "empty_while_reading",
    "empty_with_access_mode_three",
    "link",
    "symlink",
)
SOCKETS = (
    ("AF_INET", "SOCK_STREAM"),
    ("AF_INET6", "SOCK_DGRAM"),
    ("AF_UNIX", "SOCK_STREAM"),
    ("AF_NETLINK", "SOCK_RAW"),
    ("AF_PACKET", "SOCK_RAW"),
    ("AF_VSOCK", "SOCK_STREAM"),
)
LIMITS = (("RLIMIT_NOFILE", 1), ("RLIMIT_AS", 1), ("RLIMIT_CPU", -1))
ATTEMPTS = (
    *(("call", name) for name in SYSTEM_CALLS),
    *(("read", path) for path in PATHS),
    *(("enumerate_folder", path) for path in FOLDERS),
    *((name, "NEIGHBOUR/solution.py") for name in ON_FILES),
    ("enumerate_folder", "NEIGHBOUR"), ("write", "NEIGHBOUR/new"), ("make_folder", "NEIGHBOUR/new"),
    ("remove_folder", "NEIGHBOUR/empty"),
    ("write", pytest.__file__), ("write", f"{sys.prefix}/lib/new.py"), ("write", f"{Path(os.__file__).parent}/new.py"),
    ("fork",), ("vfork",), ("new_process",), ("execute",), ("spawn",), ("run_program",), ("system",),
    ("new_namespace_for_a_thread",), ("become", 0), ("signal_server", 0), ("signal_server", 9), ("signal_everyone",),
    ("signal_group",), ("signal_thread_of_server",), ("signal_through_a_descriptor",),
    *(("set_limit", *arguments) for arguments in LIMITS),
    *(("change_process", option) for option in (1, 4, 22, 24, 38, 47)),
    ("memory_file",), ("map_device",), ("fifo",), ("unix_socket_file",), ("pair_of_sockets",),
    *(("open_socket", *arguments) for arguments in SOCKETS),
)  # fmt: skip
ELSEWHERE = tuple(attempt for attempt in ATTEMPTS if "NEIGHBOUR" not in str(attempt))


@pytest.fixture(scope="module")
def stopped(server, neighbour):
    """What stopped each of ATTEMPTS, all made by one child."""
    tries = [
        [str(part).replace("NEIGHBOUR", str(neighbour)) if isinstance(part, str) else part for part in attempt]
        for attempt in ATTEMPTS
    ]
    done = server.act("attempts", "each", tries)
    assert "error" not in done, done
    return dict(zip(ATTEMPTS, done["result"], strict=True))


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: " ".join(map(str, attempt)))
def test_hostile_work_is_stopped(stopped, attempt):
    exceptions = {("call", "clone3"): "ENOSYS", ("carry_off", "NEIGHBOUR/solution.py"): "EXDEV"}
    assert stopped[attempt] in (*PERMISSION, exceptions.get(attempt))


def test_the_neighbour_is_as_it_was(stopped, neighbour):
    assert stopped
    assert (neighbour / "solution.py").read_text() == "secret"
    assert sorted(path.name for path in neighbour.iterdir()) == ["empty", "solution.py"]


def test_a_readable_folder_can_be_read_but_not_changed(server, neighbour):
    path = str(neighbour / "solution.py")
    tries = [[name, path] for name in ON_FILES if name not in ("read", "symlink")]
    done = server.act(
        "attempts", "each", [["read", path], ["enumerate_folder", str(neighbour)], *tries], readable=[str(neighbour)]
    )
    assert done["result"][:2] == ["nothing stopped it"] * 2
    assert {*done["result"][2:]} <= {*PERMISSION, "EXDEV"}
    assert Path(path).read_text() == "secret"


def test_modes_and_times_are_accepted_and_left_alone(server, neighbour):
    before = (neighbour / "solution.py").stat()
    done = server.act("attempts", "change_mode_and_times", str(neighbour / "solution.py"))
    after = (neighbour / "solution.py").stat()
    assert "error" not in done
    assert (after.st_mode, after.st_mtime) == (before.st_mode, before.st_mtime)


def test_every_layer_of_this_machine_is_applied(server):
    done = server.act("attempts", "identity")
    assert {"limits", "landlock", "seccomp"} <= {*done["layers"]}
    assert ("own user id" in done["layers"]) == (server.user == "root")
    assert ("mount" in done["layers"]) == ("mount" in server.ask("self")["gained"])


def test_root_gives_each_child_an_id_of_its_own_and_an_ordinary_user_keeps_theirs(server):
    first, second = (server.act("attempts", "identity")["result"] for _ in range(2))
    if server.user == "root":
        assert 0 not in (first["uid"], first["gid"], second["uid"])
        assert first["uid"] != second["uid"]
        assert first["groups"] == []
    else:
        assert first["uid"] == second["uid"] == server.ask("self")["uid"] != 0


def test_the_server_itself_stays_as_it_was(server):
    server.act("attempts", "fill_scratch", 1, 10)
    state = server.ask("self")
    assert state["reads"]
    assert state["uid"] == (0 if server.user == "root" else ORDINARY if os.geteuid() == 0 else os.getuid())


def test_namespaces_hide_the_machine(server):
    state = server.ask("self")
    assert (state["pid"] == 1) == ("pid" in state["gained"])
    assert (server.act("attempts", "identity")["result"]["host"] == "localhost") or "uts" not in state["gained"]
    assert state["processes"] == 1 or not {"pid", "mount"} <= {*state["gained"]}


def test_the_environment_is_small_and_clean(server):
    found = server.act("attempts", "environment")["result"]
    assert set(found) == {"PATH", "LANG", "HOME", "TMPDIR", "USER", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"}


def test_only_the_descriptors_kept_are_open(server):
    assert server.act("attempts", "descriptors")["result"] == [0, 1, 2, 3]
    assert server.act("attempts", "descriptors", keep=[1, 3])["result"] == [1, 3]


def test_scratch_ends_with_the_child(server):
    first = server.act("attempts", "leave_files")
    assert first["result"] == ["folder", "left.txt"]
    assert first["left_in_scratch"] == [] or "mount" not in first["layers"]
    assert server.act("attempts", "leave_files")["result"] == ["folder", "left.txt"]


def test_scratch_is_limited(server):
    done = server.act("attempts", "fill_scratch", 20, 1 << 20, limits={"scratch_bytes": 8 << 20})
    assert done["error"] == "ENOSPC" or "mount" not in done["layers"]
    few = server.act("attempts", "fill_scratch", 6000, 0)
    assert few["error"] == "ENOSPC" or "mount" not in few["layers"]


def test_a_files_length_is_limited(server):
    assert server.act("attempts", "fill_scratch", 1, 2 << 20, limits={"file_bytes": 1 << 20})["error"] == "EFBIG"


def test_memory_is_limited(server):
    limits = {"memory_bytes": 256 << 20}
    assert server.act("torch_attempts", "allocate", 512 << 20, limits=limits)["error"] == "RuntimeError"
    assert "error" not in server.act("torch_attempts", "allocate", 64 << 20, limits=limits)


def test_memory_is_not_shared_with_other_processes(server):
    assert server.act("torch_attempts", "shared_tensor")["error"] == "RuntimeError"


def test_open_files_are_limited(server):
    assert server.act("attempts", "open_many", 40, limits={"open_files": 20})["error"] == "EMFILE"
    assert server.act("attempts", "open_many", 40)["result"] == 40


def test_processor_time_is_limited(server):
    soft = server.user == USERS[0]
    done = server.act("attempts", "loop" if soft else "ignore_the_limit_and_loop", limits={"cpu_seconds": 1})
    assert done["status"] == -(signal.SIGXCPU if soft else signal.SIGKILL)


def test_threads_are_limited(server):
    assert "error" not in server.act("attempts", "start_threads", 64)
    assert server.act("attempts", "start_threads", 3000)["error"] == "RuntimeError"


def test_two_ranks_talk_over_loopback(server):
    gained = server.ask("self")["gained"]
    done = server.act("torch_attempts", "all_reduce", 29500, network=True, ranks=2)
    if "network" in gained:
        assert done["results"] == [[9.0, 3.0]] * 2, done
    else:
        assert done["error"] == "EPERM"


def test_the_network_profile_opens_no_more_than_tcp_and_udp(server):
    opened = {("open_socket", *pair) for pair in SOCKETS[:2]} | {("open_socket", "AF_NETLINK", "SOCK_RAW")}
    opened |= {("call", name) for name in ("sendmsg", "recvmsg", "bind", "connect")}
    done = server.act("attempts", "each", [each for each in ELSEWHERE if each not in opened], network=True)
    if "network" in server.ask("self")["gained"]:
        assert {*done["result"], "EROFS"} == {*PERMISSION, "ENOSYS"}
    else:
        assert done["error"] == "EPERM"


def test_the_network_profile_needs_a_network_of_its_own(tmp_path):
    def apply():
        try:
            confine.confine(tmp_path, confine.OsLimits(1 << 30, 10, 1 << 20, 64, 1 << 20), network=True)
        except PermissionError as error:
            return error.strerror
        return ""

    private = [name for _, name in socket.if_nameindex()] == ["lo"]
    assert ("network namespace" in linux.in_child(apply)) != private


@pytest.mark.parametrize("user", USERS)
def test_the_server_ends_as_it_ended(user, folder):
    with Server.started(user, folder) as server:
        server.process.stdin.write(b'{"operation": "exit", "code": 7}\n')
        server.process.stdin.close()
        assert server.process.wait(20) == 7


@pytest.mark.parametrize("options", [(), ("plain",)], ids=["namespaces", "plain"])
@pytest.mark.parametrize("user", USERS)
def test_nothing_outlives_the_process_that_was_started(user, options, folder):
    with Server.started(user, folder, *options) as server:
        server.ask("load", modules=["attempts"])
        assert server.act("attempts", "sleep") == "asleep"
        server.process.kill()
        assert server.process.stdout.read() == b""  # the last process that could write there is gone


def test_an_ordinary_user_is_confined_where_there_are_no_namespaces(folder):
    with Server.started("ordinary user", folder, "plain") as server:
        server.ask("load", modules=["attempts"])
        done = server.act("attempts", "leave_files")
        assert done["result"] == ["folder", "left.txt"]
        assert {"limits", "landlock", "seccomp"} == {*done["layers"]} - {"mount"}
        assert (done["left_in_scratch"] == []) == ("mount" in done["layers"])
        assert {*server.act("attempts", "each", ELSEWHERE)["result"], "EROFS"} == {*PERMISSION, "ENOSYS"}
        assert "error" not in server.act("attempts", "start_threads", 64)
        assert server.act("torch_attempts", "all_reduce", 29500, network=True, ranks=2)["error"] == "EPERM"


def test_a_course_that_is_its_own_virtual_environment_stays_closed(folder):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (folder / "solutions").mkdir()
    (folder / "solutions" / "nn.py").write_text("secret")
    (folder / "scratch").mkdir()
    script = f"""
import os, sys
sys.path.append({str(PACKAGE.parent)!r})
from pathlib import Path
from autograder.sandbox.confinement import confine
confine.confine(Path({str(folder / "scratch")!r}), confine.OsLimits(1 << 30, 10, 1 << 20, 64, 1 << 20))
import sqlite3
for name in ("solutions", "."):
    try:
        print(os.listdir({str(folder)!r} + "/" + name))
    except PermissionError:
        print("closed")
"""
    arguments = [str(folder / "bin" / "python"), "-I", "-c", script]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["closed", "closed"]


def test_landlock_of_every_version_closes_the_file_system(tmp_path):
    (tmp_path / "given").write_text("given")
    (tmp_path / "scratch").mkdir()
    (tmp_path / "closed").write_text("closed")

    def tried(version):
        privileges.set_no_new_privileges()
        landlock.restrict([tmp_path / "given"], [tmp_path / "scratch"], version=version)
        outcomes = [(tmp_path / "given").read_text()]
        (tmp_path / "scratch" / "new").write_text("new")
        attempts = (
            (tmp_path / "closed").read_text,
            lambda: (tmp_path / "given").write_text("x"),
            lambda: list(tmp_path.iterdir()),
            lambda: (tmp_path / "scratch" / "link").symlink_to("/"),
        )
        for attempt in attempts:
            try:
                attempt()
                outcomes.append("done")
            except PermissionError:
                outcomes.append("stopped")
        return " ".join(outcomes)

    assert landlock.abi() >= 1
    for version in range(1, landlock.abi() + 1):
        assert linux.in_child(lambda version=version: tried(version)) == "given stopped stopped stopped stopped"


@pytest.mark.parametrize("closed", [False, True])
def test_privileges_are_gone_but_for_reading_where_python_is_closed_to_others(tmp_path, closed):
    def dropped():
        privileges.drop(privileges.own_uid(), [tmp_path if closed else Path("/")])
        return Path("/proc/thread-self/status").read_text()

    tmp_path.chmod(0o700)
    lines = dict(line.split(":\t", 1) for line in linux.in_child(dropped).splitlines())
    kept = f"{1 << 2:016x}" if closed and os.geteuid() == 0 else "0" * 16  # CAP_DAC_READ_SEARCH
    assert (lines["CapEff"], lines["CapPrm"]) == (kept, kept)
    assert (lines["CapInh"], lines["CapAmb"], lines["NoNewPrivs"]) == ("0" * 16, "0" * 16, "1")
    assert lines["CapBnd"] == "0" * 16 or os.geteuid() != 0


def verdict(program, architecture, number, arguments):
    """What a filter answers: an interpreter of the few BPF instructions that it may hold."""
    data = struct.pack("=iIQ6Q", number, architecture, 0, *arguments)
    instructions = list(struct.iter_unpack("=HBBI", program))
    position = accumulator = 0
    while True:
        code, if_true, if_false, value = instructions[position]
        position += 1
        if code == 0x06:
            return value
        if code == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, value)
        elif code == 0x54:
            accumulator &= value
        else:
            truth = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[code]
            position += if_true if truth else if_false


ALLOW, KILL = 0x7FFF0000, 0x80000000


@pytest.mark.parametrize(("machine", "column", "code"), [("x86_64", 0, 0xC000003E), ("aarch64", 1, 0xC00000B7)])
def test_the_filter_of_both_architectures(machine, column, code):
    def answer(numbers, *arguments, network=False, architecture=code):
        program = seccomp.program(machine, 42, network=network)
        result = verdict(program, architecture, numbers[column], (*arguments, 0, 0, 0, 0, 0, 0)[:6])
        return errno.errorcode[result & 0xFFFF] if result & 0xFFFF and result != ALLOW else result

    clone, kill, tgkill, openat, ioctl, fcntl = (56, 220), (62, 129), (234, 131), (257, 56), (16, 29), (72, 25)
    prlimit, sendto, socket_, execve = (302, 261), (44, 206), (41, 198), (59, 221)
    for name, numbers in SYSTEM_CALLS.items():
        assert answer(numbers) == ("ENOSYS" if name == "clone3" else "EPERM"), name
    for numbers in ((0, 63), (1, 64), (9, 222), (10, 226), (202, 98), (334, 293), (231, 94), (228, 113), (318, 278)):
        assert answer(numbers) == ALLOW
    assert answer(execve) == "EPERM"
    assert answer(clone, 0x3D0F00) == ALLOW
    assert answer(clone, 0x1200011) == answer(clone, 0x3D0F00 | 0x10000000) == answer(clone, 0x4111) == "EPERM"
    for numbers in (kill, tgkill):
        assert answer(numbers, 42) == ALLOW
        assert answer(numbers, 41) == answer(numbers, 2**32 - 1) == answer(numbers, 0) == "EPERM"
    assert answer(openat, 0, 0, os.O_WRONLY | os.O_TRUNC) == answer(openat, 0, 0, os.O_RDONLY | os.O_CLOEXEC) == ALLOW
    assert answer(openat, 0, 0, os.O_RDONLY | os.O_TRUNC) == answer(openat, 0, 0, 3) == "EPERM"
    assert (answer(ioctl, 0, 0x5401), answer(ioctl, 0, 0x5412)) == (ALLOW, "ENOTTY")
    assert (answer(fcntl, 0, 3), answer(fcntl, 0, 8)) == (ALLOW, "EPERM")
    assert answer(prlimit, 0, 7) == ALLOW
    assert answer(prlimit, 0, 7, 1) == answer(prlimit, 0, 7, 1 << 32) == "EPERM"
    assert (answer(sendto, 3), answer(sendto, 3, 0, 0, 0, 1 << 32)) == (ALLOW, "EPERM")
    assert answer(sendto, 3, 0, 0, 0, 1 << 32, network=True) == ALLOW
    assert (answer(socket_, 2), answer(socket_, 2, network=True)) == ("EPERM", ALLOW)
    assert (answer(socket_, 16, 3, 0, network=True), answer(socket_, 16, 3, 9, network=True)) == (ALLOW, "EPERM")
    assert answer(socket_, 1, 1, 0, network=True) == "EPERM"
    assert answer((0x40000000, 0x40000000)) == answer((0, 63), architecture=0x40000003) == KILL


def test_layers_are_found_without_touching_the_caller():
    found = confine.layers()
    assert confine.layers() == found
    assert os.geteuid() == os.getuid()
    assert Path("/etc/passwd").read_text()
    assert {layer.name: layer.present for layer in found if layer.name in ("landlock", "seccomp", "limits")} == {
        "landlock": True, "seccomp": True, "limits": True}  # fmt: skip
    assert all(layer.detail for layer in found)
    assert confine.tier(found) == "full"


@pytest.mark.parametrize("name", ["landlock", "seccomp", "limits"])
def test_the_tier_is_reduced_without_one_of_three_layers(name):
    found = [layer for layer in confine.layers() if layer.name != name]
    assert confine.tier([*found, confine.Layer(name, present=False, detail="missing")]) == "reduced"


def test_a_system_without_these_layers_says_so():
    script = "import sys; sys.platform = 'darwin'; from autograder.sandbox.confinement import confine\n"
    script += "print(confine.tier(confine.layers()), *[layer.name for layer in confine.layers() if layer.present])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == "reduced"
    assert not {"landlock", "seccomp", "limits"} & {*done.stdout.split()}
