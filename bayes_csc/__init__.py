"""Have children's services declined since their last inspection? The statistics of the answer."""

from importlib.metadata import version

__version__ = version("bayescsc")
