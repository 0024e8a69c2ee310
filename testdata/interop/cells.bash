# The cells: one table each, written by a release, re-encrypted, read back by the same release.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

cbc=AES/CBC/PKCS5Padding
ecb=AES/ECB/PKCS5Padding

# cell RELEASE FORMAT CHUNK_KB SOURCE TARGET, where SOURCE and TARGET are CIPHER:BITS or kmip.
cell_list=(
    "5.0 oa 16 $cbc:256 $cbc:256"
    "5.0 oa 64 $cbc:256 $cbc:256"
    "5.0 oa 16 $ecb:128 $cbc:256"
    "5.0 oa 64 AES:128 $cbc:256"
    "5.0 oa 16 $cbc:192 $cbc:192"
    "5.0 oa 16 kmip kmip"
    "5.0 oa 16 $cbc:256 kmip"
    "5.0 nb 16 $cbc:256 $cbc:256"
    "5.0 nb 64 $cbc:256 $cbc:256"
    "5.0 da 16 $cbc:256 $cbc:256"
    "5.0 da 64 $cbc:256 $cbc:256"
    "5.0 da 16 $ecb:128 $cbc:256"
    "5.0 da 16 kmip kmip"
    "5.0 da 64 $ecb:128 kmip"
    "4.1 nb 16 $cbc:256 $cbc:256"
    "4.1 nb 64 kmip kmip"
    "4.0 nb 16 $cbc:256 $cbc:256"
    "4.0 nb 64 $ecb:128 $cbc:256"
    "3.11 me 64 $cbc:256 $cbc:256"
    "3.11 me 16 $ecb:128 $cbc:256"
    "3.11 me 16 kmip kmip"
    "3.11 me 64 $cbc:128 kmip"
)

# cell_name RELEASE FORMAT CHUNK SOURCE TARGET: short, and fit for a folder name.
cell_name() {
    local name="$1 $2 $3k $4 to $5"
    name=${name//AES\/CBC\/PKCS5Padding:/cbc}
    name=${name//AES\/ECB\/PKCS5Padding:/ecb}
    name=${name//AES:/aes}
    echo "${name// /-}"
}

# cell_options KEY_FILE CIPHER:BITS|kmip [CHUNK_KB]
cell_options() {
    if [[ $2 == kmip ]]; then
        kmip_options "$cbc" 256 "${3:-}"
    else
        options "${2%:*}" "${2#*:}" "$1" "${3:-}"
    fi
}

declare -A rows hash old_stems new_stems

cells() {
    mkdir -p "$work/cells" "$work/keys"
    write_cells
    rekey_cells
    step "reading everything back"
    read_cells "rows, hash, verifier after"
    step "reading everything back without the old keys"
    rm -f "$work"/keys/*.old
    sed -i "/^$kmip_old_id = /d" "$kmip_properties"
    read_cells "the same without the old key"
    verify_cells
    { cat "$kmip_keys" && echo "write.group = $kmip_old_id"; } >"$kmip_properties"
}

# for_cells RELEASE FUNCTION: calls it with the parameters of the release's cells.
for_cells() {
    local cell
    for cell in "${cell_list[@]}"; do
        # shellcheck disable=SC2086 # the words of a cell are its parameters
        [[ $cell != "$1 "* ]] || "$2" $cell
    done
}

write_cells() {
    local pair release format cell
    for pair in "5.0 oa" "5.0 nb" "5.0 da" "4.1 nb" "4.0 nb" "3.11 me"; do
        release=${pair% *} format=${pair#* }
        step "Cassandra $(version "$release") writes $format"
        for cell in "${cell_list[@]}"; do
            # shellcheck disable=SC2086
            [[ $cell != "$pair "* ]] || write_commands $cell
        done | batch "$release" "$format"
        grep -F $'\tid=read' "$work/results" | cut -f 2-6 || true
        for cell in "${cell_list[@]}"; do
            # shellcheck disable=SC2086
            [[ $cell != "$pair "* ]] || remember $cell
        done
    done
}

write_commands() {
    local name data
    name=$(cell_name "$@")
    data=$work/cells/$name/data
    command_line write "id=write $name" "data=$data" "keyspace=$keyspace" "table=$table_name" rows=2000 blob=300 \
        "compression=$(cell_options "$work/keys/$name.old" "$4" "$3")"
    command_line read "id=read $name" "data=$data" "keyspace=$keyspace" "table=$table_name"
}

remember() {
    local name line
    name=$(cell_name "$@")
    judge "read $name" "$name" "written, rows and hash before"
    line=$(result "read $name")
    rows[$name]=$(field "$line" rows)
    hash[$name]=$(field "$line" hash)
    old_stems[$name]=$(field "$line" left)
}

rekey_cells() {
    step "re-encrypting $((${#cell_list[@]})) tables"
    local release
    for release in 5.0 4.1 4.0 3.11; do
        for_cells "$release" rekey_cell
    done
}

rekey_cell() {
    local name data folder
    name=$(cell_name "$@")
    data=$work/cells/$name/data
    if ! rekey "$1" "$data" "$(cell_options "$work/keys/$name.new" "$5")"; then
        fail "$name" "re-encrypted" "exit code, see the log"
        return
    fi
    pass "$name" "re-encrypted"
    folder=$(table_folder "$data")
    new_stems[$name]=$(stems "$folder")
    if disjoint "${old_stems[$name]}" "${new_stems[$name]}"; then
        pass "$name" "every SSTable is new"
    else
        fail "$name" "every SSTable is new" "old ${old_stems[$name]}, now ${new_stems[$name]}"
    fi
    check "$name" "no logs, no staging left" "$(leftovers "$work/cells/$name")" ""
    if [[ $5 != kmip ]]; then
        check "$name" "mode of the new key file" "$(stat -c %a "$work/keys/$name.new" 2>&1)" 600
    fi
}

# read_cells WHAT: reads all cells with their releases and compares with the reading before.
read_cells() {
    local release
    for release in 5.0 4.1 4.0 3.11; do
        for_cells "$release" read_command | batch "$release" "$(newest_format "$release")"
        what=$1 for_cells "$release" judge_reading
    done
}

# The tool's own verify must agree with the database.
verify_cells() {
    local release
    for release in 5.0 4.1 4.0 3.11; do
        for_cells "$release" verify_cell
    done
}

verify_cell() {
    local name what="the tool's own verify without the old key"
    name=$(cell_name "$@")
    [[ -n ${new_stems[$name]:-} ]] || return 0
    if logged timeout 120 "$tool" verify --data-dir "$work/cells/$name/data" --kmip-keys "$kmip_new_key" \
        "$keyspace" "$table_name"; then
        pass "$name" "$what"
    else
        fail "$name" "$what" "exit code, see the log"
    fi
}

newest_format() {
    case $1 in
        5.0) echo oa ;;
        3.11) echo me ;;
        *) echo nb ;;
    esac
}

read_command() {
    local name
    name=$(cell_name "$@")
    [[ -n ${new_stems[$name]:-} ]] || return 0 # not re-encrypted: has failed already
    command_line read "id=read $name" "data=$work/cells/$name/data" "keyspace=$keyspace" "table=$table_name" \
        "rows=${rows[$name]}" "hash=${hash[$name]}" sstables=3
}

judge_reading() {
    local name
    name=$(cell_name "$@")
    [[ -n ${new_stems[$name]:-} ]] || return 0
    judge "read $name" "$name" "$what"
}
