"""${message[0].upper()}${message[1:]}.

Say what changes, why a database that is in use can bear it, and what the way back takes away. A release must run on
the schema of the release after it, so a step only adds; what is dropped was unused for a whole release.
"""

import sqlalchemy as sa

from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision).replace("'", '"')}
down_revision = ${repr(down_revision).replace("'", '"')}
branch_labels = None
depends_on = None


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
