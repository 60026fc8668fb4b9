"""What instructors and students read of a grading: the OUT folder, tables and pages."""
