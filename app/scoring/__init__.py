"""The heart: from a rule set and a runner to a score with its reasons. No web, no database, no clock."""
