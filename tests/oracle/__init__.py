"""A second, slow and obvious reading of the design: what a score should be, without a line of the service's heart.

`readings` turns a request as it stands on the wire into what is known of each feature. `scores` turns a rule-set
document and those readings into points, ranges and scores by trying every completion. `conditions` says which flags and
advice follow. None of them imports `app.features` or `app.scoring`: two independent readings of one text meet in the
tests. Only `service`, which asks the real service, does.
"""
