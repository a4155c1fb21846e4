"""Trains what lesson 12 and the named recipes rest on; results go to data/results."""
