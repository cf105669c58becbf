# shellcheck shell=bash
# New versions that do not do: each is rolled back by itself, all of it.

image_cases() {
    printf 'image_fails %s\n' init-fails-halfway main-dies never-healthy
    printf 'image_held %s\n' init-fails-halfway
    printf 'image_dies_later\n'
}

image_fails() {
    upgrade --image "lab/$1" --health-timeout 15s
    is_rc 10
    case $1 in
    init-fails-halfway) said 'docker_init.sh' 'ended with exit code 1' 'ERROR 1060' ;;
    main-dies) said 'stopped with exit code 3 before OMS was healthy' 'OutOfMemoryError' ;;
    never-healthy) said 'OMS is not healthy after 15 s' ;;
    esac
    expect_old_end
    check_failed_kept
}

# --on-failure hold leaves all as it is; the person decides.
image_held() {
    upgrade --image "lab/$1" --on-failure hold
    is_rc 13
    said 'stopped midway' "omslaunch resume" "omslaunch rollback"
    # Another upgrade must not begin meanwhile.
    upgrade
    is_rc 13
    said 'is not ended'
    om rollback
    is_rc 0
    expect_old_end
    check_failed_kept
}

# It was healthy once, so it is an upgrade; what came later is not undone by itself.
image_dies_later() {
    upgrade --image lab/main-dies-later
    is_rc 0 12
    lab_wait "$PATIENCE" 'the end of the new one' has_died
    om rollback
    is_rc 64
    accept_losses
    is_rc 0
    expect_old_end
}

has_died() {
    [ "$(lab_docker e1 inspect -f '{{.RestartCount}}' "$NAME")" -gt 0 ]
}
