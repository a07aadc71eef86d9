"""Certified reference posteriors: stored draws and summaries that two independent methods agree on.

``load("boolean-3")`` reads one, ``make("boolean-3")`` makes it again from nothing. A
reference whose gates fail is never stored.
"""

from .catalogue import REFERENCES as REFERENCES
from .stored import Reference as Reference
from .stored import load as load
from .stored import save as save
