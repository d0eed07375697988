"""The database: the only place with SQL. Functions take and return records, never rows."""

from .database import Store

__all__ = ["Store"]
