"""From a request as it stands on the wire, and a day, to what is known of every feature.

Written from the design's text alone. Everything is a whole number (millimetres, milliseconds, grams, thousandths) or an
exact fraction; no float survives the door.
"""

from datetime import date

from tests.oracle.body import read_body
from tests.oracle.kinds import Reading, Wire
from tests.oracle.load import read_load


def read_request(request: Wire, as_of: date) -> dict[str, Reading]:
    """Everything that is known of this runner on this day, by feature."""
    return {**read_body(request["runner"]), **read_load(request, as_of)}
