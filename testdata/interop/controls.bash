# Damage that must be noticed. If one of these passes the reader, no other result means anything.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

controls() {
    step "negative controls"
    local cell name
    cell=${cell_list[0]}
    # shellcheck disable=SC2086
    name=$(cell_name $cell)
    local source=$work/cells/$name/data folder=$work/controls
    local expected=("rows=${rows[$name]}" "hash=${hash[$name]}" sstables=3)
    mkdir -p "$folder"
    local control
    for control in intact flipped fewer log; do cp -a "$source" "$folder/$control"; done

    flip_byte "$(one_file "$folder/flipped" Data.db)" 5000
    local stem
    stem=$(one_file "$folder/fewer" Data.db)
    rm "${stem%Data.db}"*
    printf 'ADD:[/nowhere,0,0][1]\nCOMMIT:[,0,0][1]\n' \
        >"$(table_folder "$folder/log")/oa_txn_compaction_00000000-0000-1000-8000-000000000000.log"
    {
        command_line read id=intact "data=$folder/intact" "keyspace=$keyspace" "table=$table_name" "${expected[@]}"
        command_line read id=flipped "data=$folder/flipped" "keyspace=$keyspace" "table=$table_name" expect=failure
        command_line read id=fewer "data=$folder/fewer" "keyspace=$keyspace" "table=$table_name" "${expected[@]}" expect=failure
        command_line cleanup id=log "data=$folder/log" "keyspace=$keyspace" "table=$table_name" verdict=false
    } | batch 5.0 oa
    judge intact "negative controls" "the copy itself is readable"
    judge flipped "negative controls" "a flipped bit is noticed"
    judge fewer "negative controls" "a missing SSTable is noticed"
    judge log "negative controls" "a log with wrong checksums is noticed"

    # The new key's file, with another key of the right form in it.
    local key_file=$work/keys/$name.new
    cp "$key_file" "$key_file.right"
    printf '%s:256:%s\n' "$cbc" "$(head -c 32 /dev/urandom | base64)" >"$key_file"
    command_line read id=key "data=$folder/intact" "keyspace=$keyspace" "table=$table_name" expect=failure | batch 5.0 oa
    mv "$key_file.right" "$key_file"
    judge key "negative controls" "a wrong key is noticed"
}

# one_file DATA COMPONENT
one_file() {
    find "$1" -name "*-$2" | sort | head -n 1
}

# flip_byte FILE OFFSET
flip_byte() {
    local byte
    byte=$(od -An -v -tu1 -j "$2" -N 1 "$1")
    printf '%b' "\\x$(printf %x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
