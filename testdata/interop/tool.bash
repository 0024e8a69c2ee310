# The tool under test, its keys, and how it is called.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

keyspace=rk
table_name=enc
kmip_old_id=02-449
kmip_new_id=0eb2277e-0acc-4adb-9241-1dd84dde691c

find_strace() {
    command -v strace >/dev/null && return
    if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
        step "installing strace"
        apt-get install -qq -y strace >/dev/null || { apt-get update -qq && apt-get install -qq -y strace >/dev/null; }
    else
        die "strace is needed to cut runs off; install it"
    fi
}

find_tool() {
    if [[ -n ${SSTABLEREKEY_BIN:-} ]]; then
        tool=$(readlink -f "$SSTABLEREKEY_BIN")
    else
        command -v cargo >/dev/null || die "cargo is needed to build the tool; or set SSTABLEREKEY_BIN"
        step "building the tool"
        local workspace=$interop/../..
        (cd "$workspace" && cargo build --release --locked -p sstablerekey)
        tool=${CARGO_TARGET_DIR:-$workspace/target}/release/sstablerekey
    fi
    [[ -x $tool ]] || die "no tool at $tool"
}

# The harness's file also says which key to write with; the tool's files have nothing but keys.
make_kmip_keys() {
    kmip_keys=$work/kmip-keys
    kmip_new_key=$work/kmip-new-key
    kmip_properties=$work/kmip.properties
    (
        umask 077
        printf '%s = %s\n' "$kmip_old_id" "$(random_hex 32)" "$kmip_new_id" "$(random_hex 32)" >"$kmip_keys"
        grep "^$kmip_new_id = " "$kmip_keys" >"$kmip_new_key"
    )
    { cat "$kmip_keys" && echo "write.group = $kmip_old_id"; } >"$kmip_properties"
}

flavor() {
    if [[ $1 == 3.11 ]]; then echo apache-3; else echo apache-4; fi
}

# rekey_command RELEASE DATA TARGET_OPTIONS: sets rekey_argv, the call that re-encrypts the table.
rekey_command() {
    rekey_argv=("$tool" upgradesstables -a --data-dir "$2" --compression "$3" --kmip-keys "$kmip_keys"
        --flavor "$(flavor "$1")")
    if [[ $3 == *Kmip* ]]; then
        rekey_argv+=(--key-id "$kmip_new_id")
    else
        rekey_argv+=(--create-key)
    fi
    rekey_argv+=("$keyspace" "$table_name")
}

# rekey RELEASE DATA TARGET_OPTIONS
rekey() {
    rekey_command "$@"
    logged timeout 120 "${rekey_argv[@]}"
}

# logged COMMAND...: runs it with its output in the tool's log.
logged() {
    {
        printf '$ '
        printf '%q ' "$@"
        echo
    } >>"$work/tool.log"
    local code=0
    "$@" >>"$work/tool.log" 2>&1 || code=$?
    echo "exit code $code" >>"$work/tool.log"
    return "$code"
}

# table_folder DATA: the one folder of the table.
table_folder() {
    compgen -G "$1/$keyspace/$table_name-*" || die "no table folder in $1"
}

# stems TABLE_FOLDER: <version>-<id>-<format> of its SSTables, sorted, with commas, as the harness does it.
stems() {
    find "$1" -maxdepth 1 -name '*-Data.db' -printf '%f\n' | sed 's/-Data\.db$//' | LC_ALL=C sort | paste -sd, -
}

# disjoint STEMS STEMS: true if no SSTable is in both lists.
disjoint() {
    [[ -z $(comm -12 <(tr , '\n' <<<"$1" | sort) <(tr , '\n' <<<"$2" | sort)) ]]
}

# leftovers FOLDER: every file below that is not a component of an SSTable.
leftovers() {
    find "$1" -type f -regextype posix-extended ! -path '*/.sstablerekey/rotations' ! -path '*/.sstablerekey/rewritten' \
        ! -path '*/.sstablerekey/reports/*' \
        ! -regex '.*/(me|nb|oa|da)-[0-9a-z_]+-(big|bti)-[A-Za-z0-9]+\.(db|crc32|txt)' -printf '%P '
    find "$1" -mindepth 1 -type d ! -name "$keyspace" ! -name "$table_name-*" ! -name backups ! -name data \
        ! -name reports ! \( -name .sstablerekey -exec test -e {}/rotations -o -e {}/reports -o -e {}/rewritten \; \) -printf '%P/ '
}
