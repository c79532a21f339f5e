"""Kernels work where their compiled code cannot be kept, and one warning a process names the remedy."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import tensorrank

PACKAGE = Path(tensorrank.__file__).parent
REMEDY = "set NUMBA_CACHE_DIR to a folder that can be written"
KERNELS = """
from tensorrank.arithmetic.compiled import compiled

@compiled()
def double(number):
    return 2 * number

@compiled(fastmath={"contract"})
def square(number):
    return number * number
"""
# Three modules: a kernel that calls another, which calls a third, and a number.
CALLS = {
    "inner": """
from tensorrank.arithmetic.compiled import compiled
FACTOR = 2

@compiled()
def more(number):
    return number + 1
""",
    "between": """
from inner import more
from tensorrank.arithmetic.compiled import compiled

@compiled()
def once(number):
    return more(number)
""",
    "outer": """
from between import once
from inner import FACTOR
from tensorrank.arithmetic.compiled import compiled

@compiled()
def scaled(number):
    return once(FACTOR * number)
""",
}
# Numba asks this function whether a folder can be written; root could write everywhere.
NO_FOLDER = """
from numba.core import caching
def refuse(self):
    raise PermissionError(13, "Permission denied")
caching._CacheLocator.ensure_cache_path = refuse
"""
FULL_DISK = """
from numba.core import caching
def refuse(self, name, data):
    raise OSError(28, "No space left on device")
caching.IndexDataCacheFile._save_data = refuse
"""
USE = "import kernels; print(kernels.double(21), kernels.square(1.5), kernels.square(2))"


@pytest.fixture
def python(tmp_path):
    """Runs code in a fresh interpreter, beside a module of two kernels."""
    (tmp_path / "kernels.py").write_text(KERNELS, encoding="utf-8")

    # Beside their module the kernels are kept where the user has named no other folder.
    without = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}

    def run(code):
        return subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=without, capture_output=True, text=True)

    return run


def test_compiled_code_is_kept_between_runs(python, tmp_path):
    tell = f"{USE}\nprint(sum(kernels.double.stats.cache_hits.values()), sum(kernels.square.stats.cache_hits.values()))"
    assert python(tell).stdout == "42 2.25 4\n0 0\n"
    assert python(tell).stdout == "42 2.25 4\n1 2\n"
    assert len(list((tmp_path / "__pycache__").glob("*.nbc"))) == 3


@pytest.mark.parametrize(
    ("old", "new", "result"), [("FACTOR = 2", "FACTOR = 3", "7\n"), ("+ 1", "+ 4", "8\n")], ids=["a number", "a function"]
)
def test_code_that_contains_what_has_changed_in_another_file_is_compiled_anew(python, tmp_path, old, new, result):
    """The kernel's own file stays as it is, as it may in an update of the package."""
    for name, text in CALLS.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    use = "import outer; print(outer.scaled(2)); import sys; sys.exit(sum(outer.scaled.stats.cache_hits.values()))"
    assert [(done.stdout, done.returncode) for done in (python(use), python(use))] == [("5\n", 0), ("5\n", 1)]
    (tmp_path / "inner.py").write_text(CALLS["inner"].replace(old, new), encoding="utf-8")
    done = python(use)
    assert (done.stdout, done.returncode) == (result, 0)


def test_code_is_kept_of_the_sources_that_were_imported(python, tmp_path):
    """Whoever edits a kernel in a checkout may have an interpreter open that has imported it, and not called it yet."""
    # Of another length, for Python takes a file of the same second and length for the one that it has translated.
    changed = KERNELS.replace("2 * number", "(1 + 2) * number")
    edit = f"import kernels, pathlib; pathlib.Path('kernels.py').write_text({changed!r}); print(kernels.double(1))"
    assert python(edit).stdout == "2\n"
    assert python("import kernels; print(kernels.double(1))").stdout == "3\n"


def test_code_of_another_signature_is_not_run(python, tmp_path):
    """Two processes that compile one function at a time for two signatures may give both files one name."""
    python(USE)
    one, other = sorted((tmp_path / "__pycache__").glob("kernels.square*.nbc"))
    code = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(code)
    done = python(USE)
    assert (done.stdout, done.stderr) == ("42 2.25 4\n", "")


def test_sources_that_are_unchanged_need_not_have_their_time(python, tmp_path):
    """Layers of images, archives and checkouts keep other times, or whole seconds of them."""
    python(USE)
    os.utime(tmp_path / "kernels.py", (0, 0))
    tell = f"{USE}\nprint(sum(kernels.square.stats.cache_hits.values()))"
    assert python(tell).stdout == "42 2.25 4\n2\n"


@pytest.mark.parametrize(
    ("place", "why"),
    [
        (NO_FOLDER, "no folder can be written that keeps compiled code"),
        (FULL_DISK, "compiled code cannot be written (No space left on device)"),
    ],
    ids=["no folder", "full disk"],
)
def test_kernels_without_a_place_work_and_one_warning_names_the_remedy(python, place, why):
    done = python(place + USE)
    assert (done.returncode, done.stdout) == (0, "42 2.25 4\n")
    assert done.stderr.count("RuntimeWarning") == 1
    assert why in done.stderr
    assert REMEDY in done.stderr


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
def test_damaged_files_of_compiled_code_are_written_anew(python, tmp_path, ending):
    python(USE)
    files = list((tmp_path / "__pycache__").glob(f"*.{ending}"))
    assert len(files) >= 2
    for file in files:
        file.write_bytes(file.read_bytes()[:20])
    tell = f"{USE}\nprint(sum(kernels.square.stats.cache_hits.values()))"
    for hits in ("0", "2"):
        done = python(tell)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"42 2.25 4\n{hits}\n", "")


def test_code_beside_the_sources_is_read_by_users_who_cannot_write_there(python, tmp_path):
    """Whoever installs the package, or builds an image, compiles for all."""
    python(USE)
    tell = f"{USE}\nprint(sum(kernels.square.stats.cache_hits.values()))"
    done = python(NO_FOLDER + tell)
    assert (done.returncode, done.stdout, done.stderr) == (0, "42 2.25 4\n2\n", "")
    # What is not there is kept where this user can write.
    elsewhere = "import os; os.environ['NUMBA_CACHE_DIR'] = 'elsewhere'\n"
    assert python(f"{elsewhere}{tell}\nprint(kernels.square(2j))").stdout == "42 2.25 4\n2\n(-4+0j)\n"
    assert len(list((tmp_path / "elsewhere").rglob("*.nbc"))) == 1
    for file in (tmp_path / "__pycache__").glob("*.nbc"):
        file.write_bytes(file.read_bytes()[:20])
    done = python(NO_FOLDER + tell)
    assert (done.returncode, done.stdout) == (0, "42 2.25 4\n0\n")
    assert REMEDY in done.stderr


def test_a_user_without_a_home_gets_no_folder_named_tilde(python, tmp_path):
    homeless = "import os; os.path.expanduser = lambda path: path\n"
    refused = "caching.InTreeCacheLocator.ensure_cache_path = refuse\n"
    done = python(homeless + NO_FOLDER.split("caching._Cache")[0] + refused + USE)
    assert (done.returncode, done.stdout) == (0, "42 2.25 4\n")
    assert REMEDY in done.stderr
    assert not (tmp_path / "~").exists()


def test_every_kernel_is_compiled_by_the_one_decorator():
    direct = [path.name for path in PACKAGE.rglob("*.py") if "njit" in path.read_text(encoding="utf-8")]
    assert direct == ["compiled.py"]
