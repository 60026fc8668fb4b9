"""What honest submissions do with Python and the scratch folder: each public function is one workload."""

import concurrent.futures
import csv
import gzip
import importlib
import json
import logging
import os
import pickle
import random
import shutil
import sys
import tempfile
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import torch


def numpy_files_and_mathematics():
    array = np.random.default_rng(0).standard_normal((20, 20))
    np.save("array.npy", array)
    np.savez_compressed("arrays.npz", a=array, b=array[0])
    np.savetxt("array.txt", array)
    mapped = np.load("array.npy", mmap_mode="r")
    tensor = torch.from_numpy(np.load("arrays.npz")["a"])
    assert np.allclose(np.loadtxt("array.txt"), mapped)
    return float(tensor.sum()) + float(np.linalg.svd(array @ array.T)[1].sum() + np.fft.fft(array).real.sum())


def temporary_files():
    with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile(dir=folder) as named:
        named.write(b"x" * 1000)
        named.flush()
        assert Path(named.name).stat().st_size == 1000
    with tempfile.TemporaryFile() as nameless, tempfile.SpooledTemporaryFile(max_size=10) as spooled:
        nameless.write(b"abc")
        spooled.write(b"x" * 100)
    assert not Path(folder).exists()
    return float(len(tempfile.mkdtemp()))


def files_and_folders():
    folder = Path("run/logs")
    folder.mkdir(parents=True)
    (folder / "a.json").write_text(json.dumps({"loss": [1.5, 0.5]}))
    shutil.copy(folder / "a.json", "b.json")
    shutil.copytree("run", "copy")
    shutil.move("copy", "moved")
    with Path("log.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["epoch", "loss"], [1, 0.5]])
    with gzip.open("x.gz", "wb") as file, zipfile.ZipFile("x.zip", "w") as archive:
        file.write(b"x" * 1000)
        archive.write("b.json")
    zipfile.ZipFile("x.zip").extractall("out")
    Path("log.csv").touch()
    logging.basicConfig(filename="run.log", force=True)
    logging.getLogger("run").warning("step")
    logging.shutdown()
    Path("run.log").replace(folder / "run.log")
    pickle.loads(pickle.dumps(folder))
    shutil.rmtree("moved")
    return sum(json.loads(Path("out/b.json").read_text())["loss"]) + shutil.disk_usage(".").total


def threads():
    results = [0.0] * 8

    def work(i):
        results[i] = float((torch.ones(64, 64, requires_grad=True) @ torch.ones(64, 64)).sum())

    workers = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        total = sum(pool.map(lambda i: float(torch.randn(32, 32).svd().S.sum()), range(16)))
    timer = threading.Timer(0.001, lambda: results.append(1.0))
    timer.start()
    timer.join()
    torch.set_num_threads(2)
    big = torch.randn(512, 512) @ torch.randn(512, 512)
    return sum(results) + total + float(big.sum())


def time_random_and_machine():
    start = time.perf_counter(), time.time(), time.monotonic(), time.process_time()
    time.sleep(0.001)
    random.seed(3)
    assert len(random.sample(range(100), 5)) == 5
    assert os.cpu_count() >= 1
    assert len(os.urandom(8)) == len(np.random.bytes(8)) == 8
    assert time.localtime().tm_year >= 2020
    assert torch.get_num_threads() >= 1
    assert not torch.cuda.is_available()
    assert Path.home() == Path.cwd() == Path(os.environ["TMPDIR"]) == Path(tempfile.gettempdir())
    return sum(start) + random.random()


def lazy_imports():
    names = (
        "xml.dom.minidom",
        "sqlite3",
        "lzma",
        "decimal",
        "statistics",
        "unittest.mock",
        "asyncio",
        "email.message",
        "multiprocessing.pool",
        "torch.utils.flop_counter",
        "torch.distributions",
        "torch.nn.utils.prune",
        "torch.utils.bundled_inputs",
        "torch.ao.quantization",
        "torch.fx.experimental.optimization",
        "numpy.ma",
        "numpy.testing",
        "numpy.polynomial",
        "torch.utils.benchmark",
        "torch.onnx",
        "torch.package",
        "torch.optim.swa_utils",
    )
    for name in names:
        importlib.import_module(name)
    return float(len(sys.modules))


def reading_leaves_no_trace():
    """Times of access are a channel between submissions; where a child has a file system of its own, there are none."""
    library = Path(os.__file__).parent
    files = [path for path in sorted(library.glob("*/*.py"))[:400] if "site-packages" not in str(path)]
    before = {path: path.stat().st_atime_ns for path in files}
    for path in files:
        path.read_bytes()
    changed = [path for path in files if path.stat().st_atime_ns != before[path]]
    has_own = Path.cwd().stat().st_dev != Path("..").stat().st_dev
    assert files
    assert not (has_own and changed), changed
    return len(files)
