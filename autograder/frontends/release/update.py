"""Brings a newer kit into a folder in which a student works. What the student wrote is never lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from autograder.course import KIT_FILE, Course
from autograder.errors import KitError
from autograder.files import written_whole
from autograder.frontends.release.contents import SETUP, Kit, Released, digest, kept, of_course, of_kit, released


def update(course: Course, folder: Path, names: Sequence[str] = ()) -> list[str]:
    """Bring what the course has now into a folder that holds an older kit; a line for each thing done or left.

    The topics are those that the folder has, or all if it was released with all, and those of `names`. The course may be a
    newer student kit, freshly unpacked: then they are that kit's.

    A module or notebook that the student has changed stays as it is; one that is still as released is renewed. What the
    student has changed in a lesson or a check is kept beside it. Begun again after an interruption, it goes on.

    Raises:
        KitError: the folder holds no kit, or it leads elsewhere, or there is no such topic. Nothing is written then.
    """
    before = released(folder)
    kit = _newer(course, before, names)
    _stays_inside(folder, [*kit.files, *before.files])
    try:
        done = [line for path in kit.files for line in _brought(kit, before, folder, path)]
        done += [line for path in before.files if path not in kit.files for line in _no_longer(before, folder, path)]
        _write(folder / KIT_FILE, kit.manifest())
    except OSError as error:
        raise KitError(f"{folder}: stopped half-way, give the command once more: {error.strerror}") from None
    if before.version != kit.version:
        done.append(f"the package is another one: run `pip install -r {SETUP}` in {folder} once more")
    return done or [f"{folder} is up to date"]


def _newer(course: Course, before: Released, names: Sequence[str]) -> Kit:
    if course.is_student_kit:
        kit = of_kit(course.root)
        if lacking := [name for name in before.topics if name not in kit.topics]:
            raise KitError(f"{course.root}: has no {', '.join(lacking)}, which the older kit has: ask for one with all topics")
        return kit
    if before.whole:
        return of_course(course, (), before.language)
    wanted = {*before.topics, *(course.topic(name).name for name in names)}
    there = [topic.name for topic in course.topics if topic.name in wanted]
    if not there:
        raise KitError(f"{course.root}: has none of the kit's topics: {', '.join(before.topics)}")
    return of_course(course, there, before.language)


def _stays_inside(folder: Path, paths: Iterable[str]) -> None:
    """A folder of somebody else's may hold links, and its kit.json any name: nothing is written or removed elsewhere."""
    root = folder.resolve()
    for path in paths:
        parts = PurePosixPath(path)
        target = folder / parts
        if parts.is_absolute() or ".." in parts.parts or not (target.parent.resolve() == root.joinpath(*parts.parent.parts)):
            raise KitError(f"{target}: leads out of {folder}, so nothing was updated")
        if target.is_dir():
            raise KitError(f"{target}: a folder in the place of a file, so nothing was updated")


def _now(path: Path) -> str:
    """The digest of what is there, or "" where nothing is."""
    return digest(path.read_bytes()) if path.is_file() else ""


def _brought(kit: Kit, before: Released, folder: Path, path: str) -> Iterator[str]:
    target, content = folder / path, kit.files[path]
    there, known, new = _now(target), before.files.get(path, ""), digest(content)
    if there == new:
        return
    if path in kit.work and there not in ("", known):
        yield f"left {path}, your work" + (f"; the new one is {kept(path)}" if known != new else "")
        return
    if path in kit.work and there:
        line = f"renewed {path}, in which you had not begun"
    elif there not in ("", known):
        line = f"renewed {path}; what you had changed in it is in {_put_aside(target).name}"
    else:
        line = f"{'renewed' if there else 'added'} {path}"
    _write(target, content)
    yield line


def _no_longer(before: Released, folder: Path, path: str) -> Iterator[str]:
    there = _now(folder / path)
    if there and (path in before.work or there != before.files[path]):
        yield f"left {path}, which the kit no longer has"
    elif there:
        (folder / path).unlink()
        yield f"removed {path}, which the kit no longer has"


def _put_aside(path: Path) -> Path:
    """Give the file another name, that no file has yet; a link stays a link, whatever it leads to."""
    names = (path.with_name(f"{path.name}.yours{number or ''}") for number in range(1000))
    aside = next(name for name in names if not name.exists() and not name.is_symlink())
    return path.rename(aside)


def _write(path: Path, content: bytes) -> None:
    with written_whole(path) as file:
        file.write(content)
