"""Joint-risk: what a runner's knees and lower back have to bear, scored with reasons, sources and doubts."""

__version__ = "0.1.0"
