# Commit logs and hints that a node encrypts: nodes of 5.0 crash with writes in their commit logs, and with hints for a node
# that is down; the tool re-encrypts the files, the old key is removed, and the nodes start again. Each write that was
# acknowledged has to be there: a ledger outside of the node says which.
#
# A seed is a moment at which a node is stopped: what was written and flushed before, where the segments end. Most are
# copies of a running node's files, which is what a crash at that moment leaves; for each twentieth the node is killed.
# SYSTEM_SEEDS is how many each scheme has, SYSTEM_SEED the first one, to repeat a run.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

system() {
    local seeds=${SYSTEM_SEEDS:-20} seed=${SYSTEM_SEED:-$((RANDOM * 1000))} scheme
    [[ -z $thin || -n ${SYSTEM_SEEDS:-} ]] || seeds=2
    echo "SYSTEM_SEEDS=$seeds SYSTEM_SEED=$seed"
    RANDOM=$seed
    # In CI no keys of a server, which no header names, and controls and hints of another scheme in each run.
    local schemes=(file apache server) with_all=
    if [[ -n $thin ]]; then
        schemes=(file apache)
        with_all=${schemes[seed / 1000 % 2]}
    fi
    for scheme in "${schemes[@]}"; do system_cell; done
}

# system_cell: uses scheme, seeds, seed, and with_all, the one scheme that has all checks, or none if each has.
system_cell() {
    local folder=$work/system/$scheme subject="5.0 system, $scheme" system_properties system_options=() images=()
    mkdir -p "$folder"
    make_system_keys
    step "system, $scheme: $seeds crashes"
    crash_nodes
    find_images
    digest_images before
    [[ -n $with_all && $scheme != "$with_all" ]] || system_controls
    step "system, $scheme: re-encrypt ${#images[@]}"
    keep_images
    new_system_key "${images[@]}"
    rekey_images
    digest_images after
    step "system, $scheme: start ${#images[@]} without the old key"
    local lossy=()
    without_old_system_key replay_images
    judge_lossy "every acknowledged write is there"
    rm -rf "$folder"/node-* "$folder/before"
    [[ -n $with_all && $scheme != "$with_all" ]] || hint_cell
}

# crash_nodes: a node for each twenty seeds, and the last of these is that it is killed. Its folder is node-SEED/node, the
# copies of it are beside that.
crash_nodes() {
    local first=0 most=20 copies class classes=(EncryptingLZ4Compressor Encryptor EncryptingSnappyCompressor EncryptingDeflateCompressor)
    local torn=()
    # Apache's encryption writes a section's marker last, so that no section is without its end.
    [[ $scheme == apache ]] || torn=(torn=zeros)
    while ((first < seeds)); do
        # One is killed; there is at least one copy.
        copies=$((seeds - first <= most + 1 ? seeds - first - 1 : most - 1))
        class=${classes[first / most % 4]}
        system_yaml "$folder/node-$first/node" 127.0.0.1 "$class"
        system_node write "folder=$folder/node-$first/node" "to=$folder/node-$first" "seed=$((seed + first))" "images=$copies" \
            "${torn[@]}" >>"$work/tool.log"
        first=$((first + copies + 1))
    done
}

# find_images: sets images. What a node has left that was killed is one of them; all of its writes were acknowledged before.
find_images() {
    local node copies
    for node in "$folder"/node-*/node; do
        printf 'acknowledged=%s\nunflushed=\ntorn=killed\n' "$(stat -c %s "$node/ledger")" >"$node/image.properties"
    done
    mapfile -t images < <(compgen -G "$folder/node-*/*" | sort -V)
    check "$subject" "crashes" "${#images[@]}" "$seeds"
    cat "${images[@]/%//image.properties}" | grep torn= | sort | uniq -c
    copies=$(cat "${images[@]/%//image.properties}" | awk -F= '$1 == "unflushed" { all += $2 } END { print all + 0 }')
    if ((copies > 0)); then
        pass "$subject" "$copies acknowledged writes are in the commit log only"
    else
        fail "$subject" "acknowledged writes are in the commit log only" "there are none"
    fi
}

# digest_images before|after: the harness's own reader sees the same sections at the same positions, and as many links.
digest_images() {
    local image directory
    for image in "${images[@]}"; do
        for directory in commitlog cdc_raw; do
            command_line digest "id=$image/$directory" "folder=$image/$directory" "$(system_fields "$system_new")"
        done
    done | system_files
    sort "$work/results" >"$folder/digests.$1"
    if [[ $1 == before ]]; then
        check "$subject" "the harness itself reads all segments" "$(grep -cF $'\tstatus=ok' "$folder/digests.before")" \
            "$((2 * ${#images[@]}))"
    elif diff "$folder/digests.before" "$folder/digests.after" >>"$work/tool.log"; then
        pass "$subject" "the same sections at the same positions"
    else
        fail "$subject" "the same sections at the same positions" \
            "$(diff "$folder/digests.before" "$folder/digests.after" | head -n 4)"
    fi
}

rekey_images() {
    local image refused=()
    for image in "${images[@]}"; do rekey_node "$image" || refused+=("$image"); done
    check "$subject" "re-encrypted" "${refused[*]}" ""
}

# keep_images: as they were before. It is asked of them only if a write is lost.
keep_images() {
    local image
    for image in "${images[@]}"; do copy_node "$image" "$folder/before/${image#"$folder"/}"; done
}

# replay_images: sets lossy, those that lose a write or do not start. Of each node, one crash is started as it is killed, and
# one of the copies, which then replays the other ones.
replay_images() {
    local image group copies of other
    mkdir -p "$folder/replays"
    for group in "$folder"/node-*; do
        of=$folder/replays/${group##*/}
        mapfile -t copies < <(compgen -G "$group/*" | grep -v '/node$' | sort -V)
        for image in "${copies[@]:1}"; do command_line image "$(replay_fields "$image")"; done >"$of.others"
        replay_image "$group/node" >"$of.killed" &
        other=$!
        replay_image "${copies[0]}" "others=$of.others" >"$of.copies"
        wait "$other"
    done
    cat "$folder"/replays/*.{killed,copies} >"$work/results"
    cat "$work/results" >>"$work/tool.log"
    for image in "${images[@]}"; do
        [[ $(field "$(result "$image")" status) == ok ]] || lossy+=("$image")
    done
}

# judge_lossy WHAT: says of each whether it is the database that loses the write.
judge_lossy() {
    local image without results
    results=$(cat "$work/results")
    for image in "${lossy[@]}"; do
        without=$(replay_image "$folder/before/${image#"$folder"/}")
        fail "$subject" "$1" "torn: $(property "$image" torn): $(grep -F "id=$image"$'\t' <<<"$results"); not re-encrypted: $without"
    done
    ((${#lossy[@]} > 0)) || pass "$subject" "$1, after ${#images[@]} crashes"
}

# replay_image IMAGE [others=FILE]: prints result lines.
replay_image() {
    system_node replay "$(replay_fields "$1")" "${@:2}"
}

replay_fields() {
    command_line "id=$1" "folder=$1" "ledger=$1/ledger" "acknowledged=$(property "$1" acknowledged)"
}
