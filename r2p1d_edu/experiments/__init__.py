"""What the article and the paper claim, measured on small networks: the grid and the runner."""
