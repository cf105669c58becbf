#!/usr/bin/env bash
# Installs what is missing on a Debian 12, and only that:
#
#   deps.sh [--list] TIER...        TIER: build, check (with build), lint (with build), bench (with check)
#
# As another user than root, or with --list, it only says what is missing (exit 1). No service that
# did not run before runs after it.
set -eu

# PACKAGE TEST: the test is a command to be found, pc:MODULE for pkg-config, or a file. A test, not
# the package's name: docker-ce or another MySQL client library do as well, and must not be replaced.
build_deps='
build-essential                 gcc
make                            make
pkg-config                      pkg-config
libjansson-dev                  pc:jansson
libyaml-dev                     pc:yaml-0.1
libcurl4-openssl-dev            pc:libcurl
libssl-dev                      pc:libcrypto
libzstd-dev                     pc:libzstd
libseccomp-dev                  pc:libseccomp
default-libmysqlclient-dev      pc:mysqlclient|pc:libmariadb|mysql_config
'
check_deps='
libcmocka-dev                   pc:cmocka
docker.io                       dockerd
docker.io                       docker
docker-registry                 docker-registry
containerd                      containerd
runc                            runc
mariadb-server                  mariadbd
mariadb-server                  mariadb-install-db
mariadb-client                  mariadb
mariadb-client                  mysqldump
busybox-static                  busybox
socat                           socat
jq                              jq
curl                            curl
openssl                         openssl
openssh-client                  ssh
openssh-server                  /usr/sbin/sshd
zstd                            zstd
procps                          ps
bats                            bats
valgrind                        valgrind
groff-base                      groff
ansible-core                    ansible-playbook
systemd                         systemd-analyze
python3                         python3
rclone                          rclone
mydumper                        mydumper
'
lint_deps='
clang                           clang
clang-format                    clang-format
clang-tidy                      clang-tidy
cppcheck                        cppcheck
shellcheck                      shellcheck
'

say() {
    printf 'deps: %s\n' "$*" >&2
}

has() {
    local test
    for test in ${1//|/ }; do
        case $test in
        pc:*) if pkg-config --exists "${test#pc:}" 2>/dev/null; then return 0; fi ;;
        /*) if [ -e "$test" ]; then return 0; fi ;;
        # Debian keeps dockerd and mariadbd in /usr/sbin, which is not on every user's path.
        *) if PATH=$PATH:/usr/sbin:/sbin command -v "$test" >/dev/null 2>&1; then return 0; fi ;;
        esac
    done
    return 1
}

# missing TIER...: the packages, each once.
missing() {
    local tier package test deps=
    for tier; do
        case $tier in
        build) deps=$deps$build_deps ;;
        check) deps=$deps$build_deps$check_deps ;;
        lint) deps=$deps$build_deps$lint_deps ;;
        bench) deps=$deps$build_deps$check_deps ;;
        esac
    done
    while read -r package test; do
        if [ -n "$package" ] && ! has "$test"; then printf '%s\n' "$package"; fi
    done <<<"$deps" | sort -u
}

# While this is there, Debian's package scripts start no service (exit 101: forbidden).
forbid_services() {
    policy=/usr/sbin/policy-rc.d
    if [ -e "$policy" ] || [ -L "$policy" ]; then mv "$policy" "$policy.omslaunch"; fi
    trap allow_services EXIT
    trap 'exit 130' INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
}

allow_services() {
    rm -f "$policy"
    if [ -e "$policy.omslaunch" ] || [ -L "$policy.omslaunch" ]; then mv "$policy.omslaunch" "$policy"; fi
}

install() {
    local -a apt=(apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold)
    say "installing: $*"
    forbid_services
    export DEBIAN_FRONTEND=noninteractive
    # Lists that are there may be old; a failed update may still leave what is needed.
    "${apt[@]}" update >&2 || say 'apt-get update failed, going on with the lists that are there'
    "${apt[@]}" install --no-install-recommends --no-remove "$@" >&2
    allow_services
    trap - EXIT
    case " $* " in
    *' docker.io '* | *' mariadb-server '*)
        say 'the services docker and mariadb were not started, but start with the next boot;' \
            '`systemctl disable --now docker mariadb` prevents it'
        ;;
    esac
}

main() {
    local list=0 tier
    local -a packages
    if [ "${1:-}" = --list ]; then
        list=1
        shift
    fi
    [ "$#" -gt 0 ] || set -- help
    for tier; do
        case $tier in
        build | check | lint | bench) ;;
        *)
            sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
            exit 64
            ;;
        esac
    done
    mapfile -t packages < <(missing "$@")
    [ "${#packages[@]}" -gt 0 ] || exit 0
    if [ "$list" = 1 ]; then
        printf '%s\n' "${packages[@]}"
        exit 1
    fi
    if ! command -v apt-get >/dev/null 2>&1; then
        say "missing, by the names of Debian's packages: ${packages[*]}"
        exit 1
    fi
    if [ "$(id -u)" != 0 ]; then
        say "missing: ${packages[*]}"
        say "HINT: as root: apt-get install ${packages[*]}"
        exit 1
    fi
    install "${packages[@]}"
    mapfile -t packages < <(missing "$@")
    if [ "${#packages[@]}" -gt 0 ]; then
        say "installed, and still missing: ${packages[*]}"
        exit 1
    fi
}

main "$@"
