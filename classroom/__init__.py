"""For teachers: the students' release of the assignments, and their grading with nbgrader (the extra `grading`)."""
