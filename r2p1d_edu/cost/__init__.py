"""What a network costs: matched widths, parameters, multiply-adds, memory, receptive field."""
