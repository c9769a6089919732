"""An outsider who tries to work out what a publication withholds, from what it shows and from what anyone may look up.

Knows nothing of how cells were chosen, and imports nothing of it. First what follows by equality: a change and one of
its waves give the other, a difference and the figure for everybody the group's. Then linear programs: the least and the
most that a withheld number of respondents, and a withheld share, can be, given every total they are part of.
"""

from survey.attacker.attack import CELL, Knowledge, Nested, attack
from survey.attacker.reading import Published, published, read

__all__ = ["CELL", "Knowledge", "Nested", "Published", "attack", "published", "read"]
