"""`autograder release`: the student kit, which holds all that a student needs and nothing that decides a grade."""

from autograder.frontends.release.contents import Kit, of_course, of_kit
from autograder.frontends.release.update import update
from autograder.frontends.release.write import as_folder, as_zip

__all__ = ["Kit", "as_folder", "as_zip", "of_course", "of_kit", "update"]
