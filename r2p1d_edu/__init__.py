"""How convolutional networks see time: a course in notebooks and the small package behind it."""
