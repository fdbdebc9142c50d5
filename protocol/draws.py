"""The generator of what is drawn by lot: recipients, ids, pauses, grease, names for a moment.

Not the module's own, which applications seed; and seeded anew in a process that was forked, since
workers that share a state would all draw the same.
"""

import os
from random import Random
from typing import Final

RANDOM: Final = Random()
os.register_at_fork(after_in_child=RANDOM.seed)
