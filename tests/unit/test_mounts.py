"""Where a store lies: on this machine's disk, on a network, or in what goes with its container."""

import sys
from pathlib import Path

import pytest

from app import mounts
from app.errors import InvalidSettingsError
from app.mounts import ensure_own_disk, is_ephemeral, mount_of

NAMED_BY_CHANCE = "0123456789abcdef" * 4
TOLD = r"""22 28 0:20 / /proc rw,nosuid shared:13 - proc proc rw
28 1 254:1 / / rw,relatime shared:1 - {root} /dev/vda1 rw
40 28 0:44 / /data rw,relatime shared:21 master:2 - {data} server:/export rw
41 28 0:45 / /mnt/my\040disk rw - ext4 /dev/vdb rw
42 40 0:46 / /data/local rw - xfs /dev/vdc rw
"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(mounts, "CONTAINER_MARKS", (tmp_path / "mark",))
    return tmp_path / "mountinfo"


@pytest.mark.parametrize(
    "kind",
    [
        *("nfs4", "nfs", "cifs", "ceph", "gpfs", "wekafs", "orangefs", "pvfs2", "fuse.sshfs", "fuse.s3fs"),
        *("fuse.juicefs", "fuse.mfs", "fuse.blobfuse2", "fuse.lustre"),
    ],
)
def test_a_store_on_a_network_is_refused_by_the_name_of_its_variable(told: Path, kind: str) -> None:
    told.write_text(TOLD.format(root="ext4", data=kind))

    with pytest.raises(InvalidSettingsError) as refused:
        ensure_own_disk(Path("/data/store.db"), named_by="JOINT_RISK_DATABASE_URL", mounts=told)

    (fault,) = refused.value.faults
    assert (fault.pointer, fault.code) == ("/JOINT_RISK_DATABASE_URL", "network-file-system")
    assert kind in fault.detail
    ensure_own_disk(Path("/data/local/store.db"), named_by="JOINT_RISK_DATABASE_URL", mounts=told)
    ensure_own_disk(Path("/database/store.db"), named_by="JOINT_RISK_DATABASE_URL", mounts=told)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "overlay", "9p", "fuse.fuse-overlayfs", "virtiofs"])
def test_a_store_on_a_disk_is_taken(told: Path, kind: str) -> None:
    told.write_text(TOLD.format(root="ext4", data=kind))

    ensure_own_disk(Path("/data/store.db"), named_by="JOINT_RISK_DATABASE_URL", mounts=told)


def test_a_mount_is_found_by_whole_folders_and_the_later_of_two_hides_the_other(told: Path) -> None:
    told.write_text(TOLD.format(root="ext4", data="xfs") + "43 28 0:47 / /data rw - tmpfs none rw\n")

    assert mount_of(Path("/data/store.db"), mounts=told) == ("/data", "tmpfs", "/")
    assert mount_of(Path("/data/local/x/store.db"), mounts=told) == ("/data/local", "xfs", "/")
    assert mount_of(Path("/mnt/my disk/store.db"), mounts=told) == ("/mnt/my disk", "ext4", "/")
    assert mount_of(Path("/datastore.db"), mounts=told) == ("/", "ext4", "/")


def test_a_store_in_memory_or_in_a_container_s_own_layer_is_ephemeral(told: Path) -> None:
    told.write_text(TOLD.format(root="overlay", data="tmpfs"))
    assert is_ephemeral(Path("/data/store.db"), mounts=told)
    assert is_ephemeral(Path("/srv/store.db"), mounts=told)
    assert not is_ephemeral(Path("/data/local/store.db"), mounts=told)

    told.write_text(TOLD.format(root="ext4", data="ext4"))
    assert not is_ephemeral(Path("/srv/store.db"), mounts=told)
    mounts.CONTAINER_MARKS[0].touch()
    assert is_ephemeral(Path("/srv/store.db"), mounts=told)
    assert not is_ephemeral(Path("/data/store.db"), mounts=told)


@pytest.mark.parametrize(
    ("root", "is_so"),
    [
        (f"/var/lib/docker/volumes/{NAMED_BY_CHANCE}/_data", True),
        (f"/volumes/{NAMED_BY_CHANCE}/_data", True),  # the engine's folder is a disk of its own
        (f"/srv/ann/.local/share/containers/storage/volumes/{NAMED_BY_CHANCE}/_data", True),
        (f"/var/lib/containerd/io.containerd.grpc.v1.cri/containers/{'b' * 64}/volumes/{NAMED_BY_CHANCE}", True),
        ("/var/lib/docker/volumes/joint-risk/_data", False),
        ("/var/lib/docker/volumes/joint-risk_postgres/_data", False),
        (f"/srv/{NAMED_BY_CHANCE}/_data", False),
        (f"/var/lib/docker/volumes/{NAMED_BY_CHANCE}/_data/kept", False),
        ("/", False),
    ],
)
def test_a_volume_that_nobody_named_goes_with_its_container(told: Path, root: str, is_so: object) -> None:
    told.write_text(TOLD.format(root="overlay", data="xfs") + f"43 28 8:1 {root} /data rw - ext4 /dev/vda1 rw\n")

    assert is_ephemeral(Path("/data/store.db"), mounts=told) is is_so


def test_where_the_system_does_not_tell_nothing_is_refused(told: Path) -> None:
    assert mount_of(Path("/data/store.db"), mounts=told) is None
    assert not is_ephemeral(Path("/data/store.db"), mounts=told)
    ensure_own_disk(Path("/data/store.db"), named_by="JOINT_RISK_DATABASE_URL", mounts=told)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells its mounts like this")
def test_this_machine_tells_where_a_file_that_is_not_there_yet_would_lie(tmp_path: Path) -> None:
    found = mount_of(tmp_path / "folder" / "store.db")

    assert found is not None
    assert tmp_path.is_relative_to(found.point)
    assert found.kind
