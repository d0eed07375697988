"""The subcommands of ``jupyterhub-snapshots``, one file each."""

from __future__ import annotations

from typing import Any

from .import_trees import ImportApp
from .keys import KeysApp
from .snapshot import SnapshotApp
from .upgrade_db import UpgradeDbApp
from .verify import VerifyApp
from .verify_receipt import VerifyReceiptApp

#: The first sentence of each class tells what it does.
SUBCOMMANDS: dict[str, Any] = {
    name: (app, (app.__doc__ or "").partition(".")[0] + ".")
    for name, app in {
        "keys": KeysApp,
        "snapshot": SnapshotApp,
        "verify": VerifyApp,
        "verify-receipt": VerifyReceiptApp,
        "import": ImportApp,
        "upgrade-db": UpgradeDbApp,
    }.items()
}
SUBCOMMANDS["serve"] = ("jupyterhub_snapshots.app.ServeApp", "Serve (the default).")
