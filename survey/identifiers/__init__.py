"""Direct identifiers wherever they stand: in columns that nobody declared, and inside free texts.

| room | question |
| --- | --- |
| writing | what a text reads once full-width forms, other blanks and spoken digits are put plainly |
| numbers | identity numbers, bank cards, telephone numbers, plates, accounts, addresses of machines, coordinates |
| names | surnames with a title, and names that a text introduces |
| places | addresses, Chinese and English |
| recognisers | the table of kinds, in the order in which they are looked for |
| scrub | free texts with a typed placeholder in the place of each identifier |
| scan | columns that look like an identifier and are not declared |
| themes | scrubbed texts counted under themes |
"""

from survey.identifiers.names import PLAIN, is_name
from survey.identifiers.numbers import is_identity
from survey.identifiers.scan import Finding, scan, undeclared
from survey.identifiers.scrub import contained, kind_of, scrub, scrubbed
from survey.identifiers.themes import themes

__all__ = [
    "PLAIN", "Finding", "contained", "is_identity", "is_name", "kind_of", "scan", "scrub", "scrubbed", "themes",
    "undeclared",
]  # fmt: skip
