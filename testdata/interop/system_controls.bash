# What the part system has to notice: if one of these passes, its other results mean nothing.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

# system_controls: uses images.
system_controls() {
    local control=$folder/control subject="$subject controls" name
    step "system, $scheme: controls"
    for name in intact keyless; do copy_node "${images[0]}" "$control/$name"; done
    lossless "a copy that is not re-encrypted, with the old key" "$control/intact"
    without_old_system_key noticed "a node without its key" "$control/keyless"
    # A server's keys are not in the header.
    [[ $scheme == server ]] || short_header
    rm -rf "$control"
}

# short_header: replay compares positions, which count from the header's end, with those in SSTables.
short_header() {
    system_yaml "$control/long" 127.0.0.1 EncryptingLZ4Compressor
    system_node tight "folder=$control/long" >>"$work/tool.log"
    printf 'acknowledged=%s\ntorn=no\n' "$(stat -c %s "$control/long/ledger")" >"$control/long/image.properties"
    copy_node "$control/long" "$control/short"
    {
        command_line rekey id=long "folder=$control/long/commitlog" "$(system_fields "$system_new")"
        command_line rekey id=short "folder=$control/short/commitlog" "$(system_fields "$system_new")" short=yes
    } | system_files
    new_system_key "$control/long" "$control/short"
    lossless "by the harness itself: a header that is filled up" "$control/long"
    noticed "a header that is shorter" "$control/short"
    rm -f "$folder/keys/$system_new"
}

# lossless WHAT NODE: it starts, and has every write.
lossless() {
    local line
    line=$(replay_image "$2")
    if [[ $(field "$line" status) == ok ]]; then
        pass "$subject" "$1, has every write"
    else
        fail "$subject" "$1, has every write" "${line:-no result, see the log}"
    fi
}

# noticed WHAT NODE: its start fails, or a write is lost.
noticed() {
    local line
    line=$(replay_image "$2")
    if [[ $(field "$line" status) == failed ]]; then
        pass "$subject" "$1 is noticed"
        echo "$1: $(field "$line" error)"
    else
        fail "$subject" "$1 is noticed" "${line:-no result, see the log}"
    fi
}

# copy_node FROM TO: with its files named where they are.
copy_node() {
    mkdir -p "${2%/*}"
    cp -a "$1" "$2"
    sed -i "s#$1/#$2/#g" "$2/cassandra.yaml"
}
