"""How many examples Hypothesis looks at: few at the desk, the promised number in CI, many before a release.

Importing this registers the profiles and loads the one that `HYPOTHESIS_PROFILE` names, `ci` without it.
"""

import os

from hypothesis import settings

settings.register_profile("fast", max_examples=50, deadline=None, print_blob=True)
# The same examples on every run: a red CI means a change broke something, not that luck found it today.
settings.register_profile("ci", max_examples=2_000, deadline=None, print_blob=True, derandomize=True)
settings.register_profile("full", max_examples=10_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
