"""On what a file lies, as Linux tells it: a disk of this machine, a network, or what goes when the container goes."""

import re
from pathlib import Path
from typing import Final, NamedTuple

from app.errors import Fault, InvalidSettingsError

MOUNTS: Final = Path("/proc/self/mountinfo")
CONTAINER_MARKS: Final = (Path("/.dockerenv"), Path("/run/.containerenv"))
"""Files that Docker and Podman put into what they run; Kubernetes is known by the layers that the root is made of."""

_NETWORK: Final = frozenset(
    {
        *("afs", "beegfs", "ceph", "cifs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "orangefs"),
        *("pvfs2", "smb3", "smbfs", "wekafs"),  # pvfs2: what the kernel calls OrangeFS
    }
)
_NETWORK_BY_FUSE: Final = frozenset(
    {
        *("blobfuse2", "ceph", "ceph-fuse", "cephfs", "davfs", "gcsfuse", "glusterfs", "juicefs", "lustre", "mfs"),
        *("rclone", "s3fs", "sshfs"),
    }
)
_MEMORY: Final = frozenset({"ramfs", "tmpfs"})
# Where an image names a volume and nobody gave one, an engine makes one and names it by chance: the next container gets
# another. Docker and Podman keep it in a folder _data, and containerd for Kubernetes without one.
_ANONYMOUS: Final = re.compile(r".*/volumes/[0-9a-f]{64}(/_data)?")


class Mount(NamedTuple):
    """What a file lies on.

    Attributes:
        point: the folder that it is mounted at.
        kind: of the file system, as the kernel names it.
        root: the folder of that file system which is seen there; of a volume, where its engine keeps it.
    """

    point: str
    kind: str
    root: str

    @property
    def is_anonymous_volume(self) -> bool:
        """Whether an engine made it for one container, because its image asks for a volume and nobody named one."""
        return _ANONYMOUS.fullmatch(self.root) is not None

    @property
    def is_network(self) -> bool:
        """Whether another machine may write to it too; SQLite's log is shared memory, which then does not hold."""
        return self.kind in _NETWORK or self.kind.removeprefix("fuse.") in _NETWORK_BY_FUSE


def mount_of(file: Path, *, mounts: Path = MOUNTS) -> Mount | None:
    """The mount that a file lies on or would lie on; None where the system does not tell."""
    place = file.resolve()
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return None
    found: Mount | None = None
    for line in lines:
        before, _, after = line.partition(" - ")
        root, point = (_unescaped(field) for field in before.split(" ")[3:5])
        mount = Mount(point, after.split(" ")[0], root)
        # Of two at one folder, the later one hides the other.
        if place.is_relative_to(mount.point) and (found is None or len(mount.point) >= len(found.point)):
            found = mount
    return found


def ensure_own_disk(file: Path, *, named_by: str, mounts: Path = MOUNTS) -> None:
    """A store lies where no other machine writes.

    Args:
        named_by: the variable that names the file.

    Raises:
        InvalidSettingsError: it lies on a network file system.
    """
    mount = mount_of(file, mounts=mounts)
    if mount is not None and mount.is_network:
        detail = (
            f"The file lies on a network file system ({mount.kind}), where SQLite's log does not hold together and a "
            "ledger may be lost. Use a disk of this machine, or PostgreSQL."
        )
        raise InvalidSettingsError([Fault(f"/{named_by}", "network-file-system", detail)])


def is_ephemeral(file: Path, *, mounts: Path = MOUNTS) -> bool:
    """Whether a file goes when the container goes: in memory, in the container's own layer, in a volume of no name."""
    mount = mount_of(file, mounts=mounts)
    if mount is None:
        return False
    in_own_layer = mount.point == "/" and (mount.kind == "overlay" or any(mark.exists() for mark in CONTAINER_MARKS))
    return mount.kind in _MEMORY or in_own_layer or mount.is_anonymous_volume


def _unescaped(text: str) -> str:
    r"""A folder as it is named; the kernel writes blanks and the like as three octal digits.

    >>> _unescaped(r"/mnt/my\040disk")
    '/mnt/my disk'
    """
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), text)
