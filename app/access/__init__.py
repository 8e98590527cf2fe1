"""Who may call what: scopes, keys, and the list of keys that a process holds in memory."""

from app.access.scopes import MANAGEMENT, SCOPES, Caller, Scope, read_scopes

__all__ = ["MANAGEMENT", "SCOPES", "Caller", "Scope", "read_scopes"]
