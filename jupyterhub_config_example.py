"""A hub with one course, and the service that takes snapshots of its students' homes.

    jupyterhub -f jupyterhub_config_example.py

The service reads this file, too: what begins with c.SnapshotsApp or c.LocalVolumes is for it.
Paragraphs marked DEMO make the file run anywhere as it is; a hub in use has its own instead.
"""

import os
import secrets
from pathlib import Path

import jupyterhub

c = get_config()

# DEMO: all that this hub makes is in one folder; of its four ports only the first is for people.
state = Path(os.environ.get("SNAPSHOTS_DEMO_STATE") or Path(__file__).parent / ".demo").resolve()
port = int(os.environ.get("SNAPSHOTS_DEMO_PORT") or 8000)
for folder in (state, state / "homes", state / "snapshots"):
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)

# DEMO: this machine only, because everybody's servers run as the user who started the hub.
c.JupyterHub.bind_url = f"http://127.0.0.1:{port}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{port + 1}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{port + 2}"
c.JupyterHub.db_url = f"sqlite:///{state}/hub.sqlite"
c.JupyterHub.cookie_secret_file = f"{state}/cookie_secret"
c.ConfigurableHTTPProxy.pid_file = f"{state}/proxy.pid"


def password(name):
    """DEMO: a password made at the first start and kept in a file."""
    file = state / f"{name}.password"
    if not file.exists():
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as made:
            made.write(secrets.token_urlsafe(24 if name == "admin" else 6))
    return file.read_text()


# DEMO: one password for all people and another for the admin, in .demo/*.password; one home for
# each person below one folder, no accounts of the machine. Never on a hub that is in use.
c.JupyterHub.authenticator_class = "shared-password"  # JupyterHub 5.3 or newer
c.SharedPasswordAuthenticator.user_password = password("people")
c.SharedPasswordAuthenticator.admin_password = password("admin")
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = f"{state}/homes/{{username}}"
if os.getuid() == 0:
    c.Spawner.args = ["--allow-root"]  # Jupyter refuses to run as root without it

# Who is what in a course is told by three groups of the hub, named after the course's code. Here
# they are written down; a hub in use often gets them from its authenticator.
course = "phys101"
instructors = {"ina"}
assistants = {"theo"}  # read everything of the class and change nothing
students = {"31387714", "ada", "bo.chen", "jose-maria", "mia@example.edu", "zoë"}
groups = {
    f"formgrade-{course}": instructors,
    f"assistant-{course}": assistants,
    f"nbgrader-{course}": students,
}
c.JupyterHub.load_groups = {name: {"users": sorted(users)} for name, users in groups.items()}
c.Authenticator.admin_users = {"admin"}
c.Authenticator.allowed_users = instructors | assistants | students

# The service runs and stops with the hub, and is reached at /services/snapshots/.
c.JupyterHub.services = [
    {
        "name": "snapshots",
        "command": ["jupyterhub-snapshots", "--config", str(Path(__file__).resolve())],
        "url": f"http://127.0.0.1:{port + 3}",
        # It belongs to the hub, so nobody is asked whether it may know their name.
        "oauth_no_confirm": True,
        # DEMO: a service gets nothing of the hub's environment by itself.
        "environment": {"SNAPSHOTS_DEMO_STATE": str(state), "SNAPSHOTS_DEMO_PORT": str(port)},
    }
]

# All that the service may do on the hub: read who is in these groups. (read:groups tells the
# members of a group, read:users:groups the groups of the person to whom an API key belongs.)
c.JupyterHub.load_roles = [
    {
        "name": "snapshots",
        "services": ["snapshots"],
        "scopes": [
            f"{scope}!group={group}"
            for scope in ("read:groups", "read:users:groups")
            for group in groups
        ],
    }
]

# The hub lets people in only with this scope. What they may do there follows from their groups.
access = "access:services!service=snapshots"
if jupyterhub.version_info >= (6,):
    c.JupyterHub.extra_user_scopes = {access}
else:
    c.JupyterHub.load_roles.append({"name": "user", "scopes": ["self", access]})

# The same for their servers, so that notebooks and extensions reach the service as their user.
c.Spawner.server_token_scopes = ["users:activity!user", "access:servers!server", access]
# Where they find it: through the hub's proxy, at an address that they can reach.
c.Spawner.environment = {"JUPYTERHUB_SNAPSHOTS_URL": f"http://127.0.0.1:{port}/services/snapshots/"}

# The service's own settings. The folder of the snapshots must exist and is for the service alone.
c.SnapshotsApp.db_url = f"sqlite:///{state}/snapshots.sqlite"
c.SnapshotsApp.snapshots_dir = f"{state}/snapshots"
c.SnapshotsApp.courses = [
    # The time zone decides the date in the names of snapshots.
    {"code": course, "title": "Physics 101", "time_zone": "Europe/Berlin"}
]
# Where the homes are; the same as the spawner's.
c.LocalVolumes.home_template = f"{state}/homes/{{username}}"
