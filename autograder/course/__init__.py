"""course.yaml as frozen data: what a course, a topic, a task and a mutant are."""
