"""Where captures run. The database is the truth; an executor only runs what it is given."""

from .base import Executor
from .local import LocalExecutor

__all__ = ["Executor", "LocalExecutor"]
