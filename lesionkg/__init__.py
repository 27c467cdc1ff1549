"""The application: command line and settings. For research use only."""

from importlib.metadata import version

__version__ = version("lesionkg")
