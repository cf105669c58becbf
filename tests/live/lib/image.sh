# shellcheck shell=bash
# Stand-in OMS images, made without an engine: a root folder → layers → a tar as `docker save`
# writes it, which `docker load` and POST /images/load take. The layer with the programs is made
# once a lab and shared; each image adds a small layer (image/*.sh and its release) and, when
# asked, one of incompressible padding. The same arguments give the same image ID.

# lab_version_of_tag TAG: feature_4.0.0-ce → "400 4.0.0"
lab_version_of_tag() {
    local release
    release=$(printf '%s\n' "$1" | sed -n 's/^feature_\([0-9]*\.[0-9]*\(\.[0-9]*\)\{0,1\}\)\([-_]ce\)\{0,1\}$/\1/p')
    [ -n "$release" ] || { lab_fail "'$1' is no OMS tag"; return 1; }
    case $release in *.*.*) ;; *) release=$release.0 ;; esac
    printf '%s %s\n' "${release//./}" "$release"
}

lab_tar() {
    tar --sort=name --mtime='2023-01-01 00:00:00Z' --owner=0 --group=0 --numeric-owner "$@"
}

lab_sha256() {
    sha256sum "$1" | cut -d' ' -f1
}

# lab_copy_program ROOT PROGRAM: it and the libraries that it loads.
lab_copy_program() {
    local root=$1 path lib
    path=$(command -v "$2") || { lab_fail "no '$2' to copy"; return 1; }
    cp -L "$path" "$root/usr/bin/${2##*/}"
    # A static program has none.
    for lib in $(ldd "$path" 2>/dev/null | grep -o '/[^ ]*' || true); do
        mkdir -p "$root$(dirname "$lib")"
        [ -e "$root$lib" ] || cp -L "$lib" "$root$lib"
    done
}

# lab_image_base: LAB_DIR/img/base.tar with busybox, bash, the mariadb client and socat.
lab_image_base() {
    local dir=$LAB_DIR/img root applet
    [ -e "$dir/base.tar" ] && return 0
    root=$dir/root
    mkdir -p "$root"/{usr/bin,etc,tmp,proc,sys,dev,run,root,home/admin,home/ds,etc/pki/nginx} || return 1
    ln -s usr/bin "$root/bin"
    ln -s usr/bin "$root/sbin"
    lab_copy_program "$root" busybox || return 1
    for applet in $(busybox --list); do
        [ "$applet" = busybox ] || ln -s busybox "$root/usr/bin/$applet"
    done
    # No symbolic link /lib: the libraries keep the paths that they have here.
    rm -f "$root/usr/bin/bash"
    lab_copy_program "$root" bash && lab_copy_program "$root" mariadb &&
        lab_copy_program "$root" socat || return 1
    printf 'root:x:0:0:root:/root:/bin/bash\n' >"$root/etc/passwd"
    printf 'root:x:0:\n' >"$root/etc/group"
    lab_tar -C "$root" -cf "$dir/base.tar.new" . && mv "$dir/base.tar.new" "$dir/base.tar"
    rm -rf "$root"
}

# lab_image_config VERSION RELEASE DIFF_ID...: what differs between releases (an environment
# variable with another value, one that went away, one that came, a label, the command, a port) is
# there to be carried over wrongly.
lab_image_config() {
    local version=$1 release=$2
    shift 2
    printf '%s\n' "$@" | jq -R . | jq -sc --arg version "$version" --arg release "$release" '
      ($version | tonumber) as $v | {
      architecture: "amd64", os: "linux", created: "2023-01-01T00:00:00Z",
      config: {
        Env: (["PATH=/usr/bin:/bin", "LANG=C.UTF-8", "OMS_RELEASE=" + $release]
              + if $v < 400 then ["OMS_LEGACY_OPTS=-Xmx1g"] else ["OMS_JVM_OPTS=-Xmx2g"] end),
        Entrypoint: ["/bin/bash", "/root/docker_run.sh"],
        Cmd: ["serve", "--release=" + $release],
        WorkingDir: "/root",
        Labels: ({"maintainer": "lab", "com.oceanbase.oms.release": $release}
              + if $v < 400 then {"com.oceanbase.oms.line": "3"} else {} end),
        ExposedPorts: ({"8089/tcp": {}, "8088/tcp": {}} + if $v < 400 then {} else {"8090/tcp": {}} end)
      },
      rootfs: {type: "layers", diff_ids: .},
      history: map({created: "2023-01-01T00:00:00Z", created_by: "lab"})
    }'
}

# lab_image_tar TAG VARIANT OUT [PAD_MB]
# VARIANT, with =SECONDS where it waits: ok, init-fails-halfway, init-fails-once, init-fails-on=OCTET
# (the last one of the node's address), main-dies, main-dies-later[=5], never-healthy, slow-start[=8],
# slow-init[=8], supervisor-fatal.
# The repository is LAB_REPO.
lab_image_tar() {
    local tag=$1 variant=${2:-ok} out=$3 pad=${4:-0} version release seconds='' work id layer
    local -a layers ids
    case $variant in *=*) seconds=${variant#*=} variant=${variant%%=*} ;; esac
    case $variant in
    ok | init-fails-halfway | init-fails-once | init-fails-on | main-dies | main-dies-later | never-healthy) ;;
    slow-start | slow-init | supervisor-fatal) ;;
    *) lab_fail "'$variant' is no variant"; return 1 ;;
    esac
    read -r version release <<<"$(lab_version_of_tag "$tag")"
    [ -n "$version" ] || return 1
    lab_image_base || return 1
    work=$(mktemp -d "$LAB_DIR/img/XXXXXX") || return 1
    ln "$LAB_DIR/img/base.tar" "$work/base.tar"
    mkdir -p "$work/root"/{root,etc/oms,usr/bin}
    cp "$LAB_SRC"/image/{oms_lib,docker_run,docker_init,health}.sh "$work/root/root/"
    cp "$LAB_SRC/image/supervisorctl" "$work/root/usr/bin/"
    printf 'version=%s\nrelease=%s\nvariant=%s\nseconds=%s\n' "$version" "$release" "$variant" \
        "$seconds" >"$work/root/etc/oms/release"
    # Modes as they are meant, not as the caller's umask or checkout has them.
    find "$work/root" -type d -exec chmod 755 {} +
    chmod 755 "$work/root/root"/*.sh "$work/root/usr/bin/supervisorctl"
    chmod 644 "$work/root/etc/oms/release"
    lab_tar -C "$work/root" -cf "$work/oms.tar" .
    rm -rf "$work/root"
    layers=(base.tar oms.tar)
    if [ "$pad" -gt 0 ]; then
        mkdir -p "$work/root/home/admin"
        # openssl ends by SIGPIPE.
        { openssl enc -aes-128-ctr -K "$(printf '%032d' "$version")" \
            -iv "$(printf '%032d' "$pad")" -in /dev/zero 2>/dev/null || true; } |
            head -c "${pad}M" >"$work/root/home/admin/pad"
        lab_tar -C "$work/root" -cf "$work/pad.tar" .
        rm -rf "$work/root"
        layers+=(pad.tar)
    fi
    for layer in "${layers[@]}"; do
        printf 'sha256:%s\n' "$(lab_sha256 "$work/$layer")"
    done >"$work/ids"
    mapfile -t ids <"$work/ids"
    lab_image_config "$version" "$release" "${ids[@]}" >"$work/config"
    id=$(lab_sha256 "$work/config")
    mv "$work/config" "$work/$id.json"
    printf '%s\n' "${layers[@]}" | jq -R . | jq -sc --arg config "$id.json" \
        --arg name "$LAB_REPO:$tag" '[{Config: $config, RepoTags: [$name], Layers: .}]' \
        >"$work/manifest.json"
    lab_tar -C "$work" -cf "$out.new" manifest.json "$id.json" "${layers[@]}" && mv "$out.new" "$out"
    rm -rf "$work"
}

# lab_image_load TAG VARIANT [ENGINE]: built and loaded.
lab_image_load() {
    local tar rc
    tar=$(mktemp "$LAB_DIR/img.XXXXXX") || return 1
    lab_image_tar "$1" "$2" "$tar" && lab_docker "${3:-e1}" load --quiet -i "$tar" >&2
    rc=$?
    rm -f "$tar"
    return "$rc"
}
