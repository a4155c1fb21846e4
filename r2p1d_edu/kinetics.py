"""Mean and standard deviation of Kinetics-400's red, green and blue, on a scale from 0 to 1.

Source: torchvision 0.28, models/video/resnet.py and transforms/_presets.py.
"""

MEAN = (0.43216, 0.394666, 0.37645)
STD = (0.22803, 0.22145, 0.216989)
