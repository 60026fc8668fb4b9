"""JUnit's XML, as continuous integration reads it: a suite a submission, a case a task.

Format: https://github.com/testmoapp/junitxml, which describes what Jenkins, GitLab and others agree on.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from autograder.feedback.exports.of_class import Exported, OfClass
from autograder.results import Report, Status, TaskResult

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ERRORS = (Status.ERROR, Status.TIMEOUT, Status.CRASHED, Status.BROKEN)


def export(of: OfClass) -> Exported:
    """TOPIC.xml. What has no score is skipped, with its message."""
    root = ET.Element("testsuites", name=_text(of.topic.name))
    suites = [_suite(report, scored=of.score(report) is not None) for report in of.reports]
    root.extend(suites)
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    root.set("time", f"{sum(report.seconds for report in of.reports):.3f}")
    ET.indent(root, " ")
    return Exported({f"{of.topic.name}.xml": ET.tostring(root, encoding="utf-8", xml_declaration=True)})


def _suite(report: Report, *, scored: bool) -> ET.Element:
    suite = ET.Element("testsuite", name=_text(report.submission), time=f"{report.seconds:.3f}")
    cases = [_case(report, task, scored=scored) for task in report.tasks]
    suite.extend(cases)
    suite.set("tests", str(len(cases)))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(case.find(tag) is not None for case in cases)))
    if report.message:
        ET.SubElement(suite, "system-out").text = _text(report.message)
    return suite


def _case(report: Report, task: TaskResult, *, scored: bool) -> ET.Element:
    case = ET.Element("testcase", name=_text(task.id), classname=_text(f"{report.topic}.{report.submission}"),
                      time=f"{task.seconds:.3f}")  # fmt: skip
    if not scored or task.status is Status.SUSPICIOUS:
        ET.SubElement(case, "skipped", message=_text(report.message))
    elif task.status is not Status.PASSED:
        found = ET.SubElement(case, "error" if task.status in _ERRORS else "failure", type=str(task.status))
        found.set("message", _text(task.diagnosis or task.message))
        found.text = _text("\n".join(line for line in (task.message, task.diagnosis, task.hint) if line))
    return case


def _text(text: str) -> str:
    """The text without what XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)
