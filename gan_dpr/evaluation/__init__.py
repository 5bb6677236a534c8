"""Figures of a checkpoint: the suites, what they are made of, and the judge that reads emoji scenes."""
