# Trie indices laid out again: 5.0 writes SSTables with every kind of index, their Partitions.db and Rows.db are laid out
# by the engine, and by a writer that shares nothing with it, and 5.0 reads them: whole, with its verifier, by keys
# that are there and are not, and by slices in both directions. What it finds must be what it finds by its own files.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

# Kind of SSTable, partitions, partitions and slices that are looked up.
trie_kinds=(
    "narrow 3 3 5"
    "narrow 1000000 2000 2"
    "wide 60 60 200"
    "middle 400 400 10"
    "long 150 150 10"
)

trie() {
    local entry kind partitions probed slices name benches
    local folder=$work/trie
    mkdir -p "$folder"
    [[ -z $thin ]] ||
        trie_kinds=("narrow 3 3 5" "narrow 50000 500 2" "wide 12 12 50" "middle 60 60 10" "long 12 12 10")
    benches=${REKEY_BENCHES_BIN:-}
    if [[ -z $benches ]]; then
        step "trie: building what lays out"
        (cd "$interop/../.." && cargo build --release --locked -p rekey-benches)
        benches=${CARGO_TARGET_DIR:-$interop/../../target}/release/rekey-benches
    fi
    step "trie: Cassandra $(version 5.0) writes"
    for entry in "${trie_kinds[@]}"; do
        read -r kind partitions probed slices <<<"$entry"
        name=$kind-$partitions
        command_line tries "id=write $name" "data=$folder/$name/own" "kind=$kind" "partitions=$partitions"
        command_line probe "id=probe $name" "data=$folder/$name/own" "partitions=$probed" "slices=$slices"
    done | trie_batch
    for entry in "${trie_kinds[@]}"; do
        read -r kind partitions probed slices <<<"$entry"
        trie_lay_out "$kind-$partitions" "$kind"
    done
    step "trie: Cassandra $(version 5.0) reads what was laid out"
    trie_read
}

# trie_batch: runs the commands on standard input, leaves the output in $work/results.
trie_batch() {
    cat >"$work/commands"
    timeout 1800 "$interop/harness" 5.0 tries <"$work/commands" >"$work/results" 2>>"$work/harness.log" || true
    cat "$work/results" >>"$work/trie/all-results"
}

# trie_lay_out NAME KIND: every layout beside the database's own, in folders of their own.
trie_lay_out() {
    local own=$folder/$1/own form from to usable
    from=$(echo "$own"/rk/tries-*)/da-1-bti-
    # In 4096 bytes of a page the steps of the database give its own bytes.
    for form in again other 3823 2070; do
        cp -r "$own" "$folder/$1/$form"
        to=$(echo "$folder/$1/$form"/rk/tries-*)/da-1-bti-
        rm "$to"Partitions.db "$to"Rows.db
        case $form in
            again) logged "$benches" lay-out "$from" "$to" ;;
            other) logged "$benches" lay-out --post-order "$from" "$to" ;;
            *) logged "$benches" lay-out --usable "$form" "$from" "$to" ;;
        esac || fail "trie $1" "laid out, $form" "see the log"
    done
    if cmp -s "$from"Partitions.db "$folder/$1/again"/rk/tries-*/da-1-bti-Partitions.db &&
        cmp -s "$from"Rows.db "$folder/$1/again"/rk/tries-*/da-1-bti-Rows.db; then
        pass "trie $1" "the steps of the database give its own bytes"
    else
        fail "trie $1" "the steps of the database give its own bytes" "other bytes"
    fi
    # From another packing, and from holes, to the same bytes.
    for usable in other:4096 3823:3823 2070:2070; do
        to=$folder/$1/back-${usable%:*}
        mkdir -p "$to"
        logged "$benches" lay-out --from-usable "${usable#*:}" \
            "$(echo "$folder/$1/${usable%:*}"/rk/tries-*)/da-1-bti-" "$to/" ||
            fail "trie $1" "laid out back from ${usable%:*}" "see the log"
        if cmp -s "$from"Partitions.db "$to/Partitions.db" && cmp -s "$from"Rows.db "$to/Rows.db"; then
            pass "trie $1" "from ${usable%:*} back to its own bytes"
        else
            fail "trie $1" "from ${usable%:*} back to its own bytes" "other bytes"
        fi
    done
    printf '%-16s %10s %10s\n' "$1" Partitions Rows
    for form in own other 3823 2070; do
        printf '  %-14s %10s %10s\n' "$form" "$(stat -c %s "$folder/$1/$form"/rk/tries-*/da-1-bti-Partitions.db)" \
            "$(stat -c %s "$folder/$1/$form"/rk/tries-*/da-1-bti-Rows.db)"
    done
}

trie_read() {
    local entry kind partitions probed slices name form line forms
    cp "$work/results" "$folder/own-results"
    for entry in "${trie_kinds[@]}"; do
        read -r kind partitions probed slices <<<"$entry"
        name=$kind-$partitions
        line=$(result "probe $name")
        judge "probe $name" "trie $name" "the database's own"
        trie_forms "$kind"
        for form in "${forms[@]}"; do
            command_line probe "id=probe $name $form" "data=$folder/$name/$form" "partitions=$probed" \
                "slices=$slices" sstables=1 "hash=$(field "$line" hash)" "found=$(field "$line" found)"
        done
    done >"$folder/commands"
    trie_batch <"$folder/commands"
    for entry in "${trie_kinds[@]}"; do
        read -r kind partitions probed slices <<<"$entry"
        name=$kind-$partitions
        trie_forms "$kind"
        for form in "${forms[@]}"; do
            line=$(result "probe $name $form")
            judge "probe $name $form" "trie $name" "read as $form: $(field "$line" reads) reads"
        done
    done
}

# trie_forms KIND: where a key is longer than a page, it runs over the holes, which this database does not know.
trie_forms() {
    forms=(other)
    case $1 in
        long) ;;
        # Keys of 3500 bytes.
        middle) forms+=(3823) ;;
        *) forms+=(3823 2070) ;;
    esac
}
