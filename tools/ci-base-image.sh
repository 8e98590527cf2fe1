#!/usr/bin/env bash
# Makes sure that the base image of the Dockerfile is there under its own name: the official one where a registry
# answers, else one of the same shape (Debian's Python of the same version, without pip) made from Debian packages.
#   needs root, podman and runc; for the second way also debootstrap
set -euo pipefail

image=python:3.11-slim-bookworm
packages=ca-certificates,python3,python3-venv

podman image exists "localhost/$image" && exit 0
if timeout 60 podman pull --quiet "$image" >/dev/null 2>&1; then
  podman tag "$image" "localhost/$image"
  exit 0
fi

echo "No registry answers: making $image from Debian packages ..." >&2
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
# The mirror that this machine's own apt is set up with; debootstrap's default where that cannot be told.
# shellcheck disable=SC2016  # apt's own placeholder, not the shell's
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Codename: bookworm' 2>/dev/null | head -n 1)
debootstrap --variant=minbase --include="$packages" bookworm "$work/root" ${mirror:+"$mirror"} >"$work/log" 2>&1 ||
  { tail -n 5 "$work/log" >&2; exit 1; }
rm -rf "$work/root/var/cache/apt" "$work/root/var/lib/apt/lists" "$work/root/usr/share/doc" "$work/root/usr/share/man"
tar -C "$work/root" --numeric-owner -c . | podman import --change 'CMD ["python3"]' - "localhost/$image" >/dev/null
