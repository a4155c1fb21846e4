"""The explorer: every network of the family to touch, as an ES module for notebooks and for pages."""
