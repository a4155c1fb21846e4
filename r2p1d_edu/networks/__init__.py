"""What the networks compute with, and the networks."""
