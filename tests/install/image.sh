# What the tests of container images share; source it with `build` set, from the project's top. Skips
# without root, buildah and mmdebstrap. Makes a folder $work, which goes when the test ends.
# shellcheck shell=bash
name=$(basename "$0" .sh)
if [ "$(id -u)" -ne 0 ]; then
    echo "skip $name: needs root for buildah's chroot isolation"
    exit 77
fi
for tool in buildah mmdebstrap; do
    command -v $tool > /dev/null || { echo "skip $name: $tool is not installed"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
b() { buildah --root "$work/root" --runroot "$work/run" --storage-driver vfs "$@"; }
step() {
    local name=$1
    shift
    if ! "$@" > "$work/log" 2>&1; then
        tail -n 40 "$work/log"
        echo "FAIL $name"
        exit 1
    fi
    echo "ok   $name"
}

# image NAME CONTAINERFILE: our packages and a Debian 12 by mmdebstrap, instead of a registry's, then the image;
# sets c to a container of it
image() {
    local mirror base
    step "packages" scripts/package "$build" "$work/context/build/packages"
    mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -m1 '/debian/*$')
    step "Debian 12" mmdebstrap --variant=minbase --mode=root bookworm "$work/base.tar" \
        "deb $mirror bookworm main"
    base=$(b from scratch) || { echo "FAIL buildah from scratch"; exit 1; }
    step "base image" b add "$base" "$work/base.tar" /
    step "commit base" b commit "$base" localhost/base
    step "$1" b bud --isolation chroot --network host --build-arg BASE=localhost/base \
        -f "$2" -t "localhost/$1" "$work/context"
    c=$(b from "localhost/$1") || { echo "FAIL buildah from $1"; exit 1; }
}
