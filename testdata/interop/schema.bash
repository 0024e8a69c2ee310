# What a node's own schema says is what its SSTables become: an operator alters the tables, stops the node, and names
# nothing but the data; or changes one option of all tables first, and alters them later, by the statements that the tool
# prints. Real nodes of 5.0 make the tables, judge what each SSTable became, and write on.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

# What the tool is told of a node: its data directory and its product, or (home) nothing, where CASSANDRA_HOME has both.
node_told_by=home

schema() {
    local kmip=$work/schema answers=0 judged_by=schema
    mkdir -p "$kmip/answers"
    build_kmipgo
    step "schema: a key server"
    quietly make_pki
    quietly make_clear_stores
    start_kmipgo
    node_config "$kmip/hcd.yaml" "127.0.0.1:$kmip_port" clear.pem pem trust.pem pem "timeout: 20000"
    # The nodes get the server's keys, and not those of the other parts.
    local kmip_properties=$kmip/kmip.properties
    touch "$kmip_properties"

    schema_cell oa
    schema_cell da server
    [[ -n $thin ]] || schema_cell nb server
    # Keys of files are base64 in their third field.
    find "$kmip" -path '*/keys/*' -type f -exec cut -d: -f 3 {} + | cut -c 3-14 >>"$kmip/secrets"
    judged_by=schema
    search_for_secrets
    stop_key_server
}

# schema_cell FORMAT [server]: with the word, some of the tables have keys of the server.
schema_cell() {
    local format=$1 server=${2:-} judged_by="schema $1" folder=$work/schema/$1
    local key=$folder/keys old_id='' new_id=''
    # By query: what the last node read.
    local -A rows=() hash=()
    # What is told of the node where only names are looked at, where chunks are opened, and where logs are written.
    local looks opens writes
    local -x CASSANDRA_HOME=
    told_of_node
    mkdir -p "$key/hidden"

    step "schema, $format: create, write, drop, alter"
    [[ -z $server ]] || schema_key old
    made_and_altered
    if [[ -n $server ]]; then
        old_id=$made_key
        expire_key "$old_id"
        schema_key new
        new_id=$made_key
    fi
    step "schema, $format: re-encrypted to what the tables are now"
    upgraded_by_schema
    step "schema, $format: the node, without the old keys"
    served_by_schema
    if [[ -n $server ]]; then
        # Or the next cell's nodes would write with it.
        expire_key "$new_id"
        return
    fi
    step "schema, $format: one option of all tables, altered later"
    changed_before_altered
}

# told_of_node: sets looks, opens and writes.
told_of_node() {
    local product=()
    case $node_told_by in
        data) looks=(--data-dir "$folder/data") product=(--flavor apache-4) ;;
        home)
            # As in Apache's archive.
            CASSANDRA_HOME=$folder looks=()
            mkdir -p "$folder/conf" "$folder/lib"
            ln -s ../cassandra.yaml "$folder/conf/cassandra.yaml"
            ln -s "$interop/target/5.0/lib/cassandra-all-$(version 5.0).jar" "$folder/lib/apache-cassandra-$(version 5.0).jar"
            ;;
    esac
    opens=("${looks[@]}")
    if [[ -n $server ]]; then
        # Which is of another product.
        opens+=(--config "$kmip/hcd.yaml")
        product=(--flavor apache-4)
    fi
    writes=("${opens[@]}" "${product[@]}")
}

# expire_key ID
expire_key() {
    asked "the server's key expires" 0 keys expire --config "$kmip/hcd.yaml" --yes group "$1"
}

# schema_key NAME: the server has a new key of this name, and nodes write with it.
schema_key() {
    sleep 1.1 # a date has no more than seconds
    new_server_key "$1"
    harness_knows "$made_key"
}

# cql_batch: one node from start to drain, for the commands on standard input; leaves the output in $work/results.
cql_batch() {
    cat >"$work/commands"
    timeout 300 "$interop/harness" 5.0 cql "-Dinterop.kmip=$kmip_properties" -- "$folder" "$format" \
        <"$work/commands" >"$work/results" 2>>"$work/harness.log" || true
}

# judge_batch WHAT: scores that the last batch did all of its commands.
judge_batch() {
    local ok bad
    ok=$(grep -cF $'\tstatus=ok' "$work/results" || true)
    bad=$(grep -F $'RESULT\t' "$work/results" | grep -vF $'\tstatus=ok' || true)
    check "$judged_by" "$1" "$ok ok $bad" "$(wc -l <"$work/commands") ok "
}

# One table is dropped, and one is made again with other options: their snapshots stay. What is written after the
# tables are altered is under the new keys.
made_and_altered() {
    local table
    {
        create_keyspace own
        for table in "${filled_tables[@]}" own.gone; do
            [[ $table == own.again ]] || create_table "$table"
        done
        create_table own.again own.again-before
        if [[ -n $server ]]; then
            create_keyspace vault
            create_table vault.one
            create_table vault.two
        fi
        create_view
        command_line fill table=own.gone rows=50
        command_line fill table=own.again rows=50
        command_line flush keyspace=own
        cql "DROP TABLE own.gone"
        cql "DROP TABLE own.again"
        create_table own.again
        fill_tables 0 150
        judge_options
        for table in "${altered_tables[@]}"; do cql "$(schema_alter "$table" "$key/new")"; done
        fill_tables 150 20
        read_tables
    } | cql_batch
    judge_batch "a node makes, drops and alters tables"
    remember_rows
}

# upgraded_by_schema: planned, begun, killed as a third SSTable is swapped in, and done.
upgraded_by_schema() {
    local targets encrypted=7
    [[ -z $server ]] || encrypted=11
    # Its table is altered, and more was written. What a node of 5.0 writes of an index changes when it starts again.
    asked "plan --json" 0 plan --json "${writes[@]}"
    check "$judged_by" "an index is not altered before the next start" "$(encrypted_sstables | grep -F by_index)" \
        "$(sstable_line own.encryptor.by_index "$(schema_map own.encryptor "$key/old")" old)"
    mapfile -t targets < <(target_lines "$key/new")
    asked "plan, nothing named: each table's own target" 0 plan "${writes[@]}" -- "${targets[@]}" \
        "$encrypted of "
    check "$judged_by" "plan: no target of what is dropped" \
        "$(sed -n 's/ (Active)$//; /^target: /p' <<<"$answer" | LC_ALL=C sort)" "$(printf '%s\n' "${targets[@]}" | LC_ALL=C sort -u)"
    if killed_on_one_cpu_at renameat2 20 "$tool" upgradesstables -a "${writes[@]}"; then
        pass "$judged_by" "killed in the middle"
    else
        fail "$judged_by" "killed in the middle" "it ended before that, see the log"
    fi
    asked "status: some are done, some are left" 0 status "${looks[@]}" -- "$encrypted SSTables: " " swapped in, 0 failed, " \
        "cut off"
    # What the interrupted swap has made so far is not whole.
    asked "census: some are under the old keys, some are not" 3 census "${looks[@]}" -- "$key/old" "$key/new"
    asked "upgradesstables -a, nothing named: resumed" 0 upgradesstables -a "${writes[@]}" -- "resuming an unfinished run"
    asked "plan: nothing is left" 0 plan --json "${writes[@]}" -- '"rewrites":0'
    check "$judged_by" "class, chunks, cipher, key of each table" "$(encrypted_sstables)" "$(expected_sstables "$key/new")"
    asked "schema: nothing to alter" 0 schema "${opens[@]}"
    check "$judged_by" "no log, no staging left" \
        "$(find "$folder/data" \( -name '*_txn_*' -o -path '*/.sstablerekey/*' ! -path '*/reports*' ! -name rewritten \) -printf '%P ')" ""
}

# hide_keys NAME...: nobody has these files any more.
hide_keys() {
    local name
    for name in "$@"; do mv "$key/$name" "$key/hidden/"; done
}

# census_has NAME...: the keys of live SSTables, by the names of their files, or by id.
census_has() {
    asked "census" 0 census --json "${looks[@]}"
    check "$judged_by" "census: the new keys only" "$(keys_in_use)" "$(printf '%s\n' "$@" | LC_ALL=C sort | xargs)"
}

# By the last census --json.
keys_in_use() {
    python3 -c '
import json, os, sys
lines = [line for line in map(json.loads, sys.stdin) if line["type"] == "key"]
keys = [line["key"] for line in lines if any(place["place"] == "live" for place in line["places"])]
print(*sorted({key.get("id") or os.path.basename(key["file"]) for key in keys}))
' <"$kmip/answers/$answers" 2>&1
}

served_by_schema() {
    hide_keys old old-apart
    [[ -z $server ]] || sed -i "/^$old_id = /d" "$kmip_properties"
    {
        read_tables again
        fill_tables 170 30
        judge_options
        read_tables
    } | cql_batch
    judge_batch "serves all rows, and writes on"
    remember_rows
    census_has new new-apart ${new_id:+"$new_id"}
    asked "census: snapshots of the dropped tables" 0 census "${looks[@]}" -- "file $key/old $cbc:256" "snapshot dropped-" \
        own.gone own.again
    asked "verify: without the old keys" 0 verify "${opens[@]}"
}

# The node runs again before the tables are altered.
changed_before_altered() {
    local change=(--set "secret_key_file=$key/next") statements statement
    asked "schema --set: what to alter" 3 schema "${opens[@]}" "${change[@]}" own
    mapfile -t statements < <(alter_statements)
    check "$judged_by" "schema --set: a statement for each table" "$(table_of_statements)" \
        "TABLE own.\"MixedCase\",TABLE own.again,MATERIALIZED VIEW own.by_n,TABLE own.chain,TABLE own.encryptor"
    asked "upgradesstables -a --set: with a new key" 0 upgradesstables -a --create-key "${writes[@]}" "${change[@]}" own -- \
        "made a new key: file $key/next"
    check "$judged_by" "the run prints the same statements" "$(alter_statements)" "$(printf '%s\n' "${statements[@]}")"
    hide_keys new new-apart
    {
        read_tables again
        for statement in "${statements[@]}"; do cql "$statement"; done
        # Not the one with an index, which would be written as before.
        fill_tables 200 20 own.chain 'own."MixedCase"' own.again
    } | cql_batch
    judge_batch "takes the statements as they are printed"
    census_has next
    asked "schema --set: nothing to alter" 0 schema "${opens[@]}" "${change[@]}" own
    check "$judged_by" "nothing was written under the key before" "$(find "$key" -maxdepth 1 -name 'new*')" ""
}

# The statements of the last answer.
alter_statements() {
    sed -n 's/^ *\(ALTER .*;\)$/\1/p' <<<"$answer"
}

# What each of statements alters.
table_of_statements() {
    printf '%s\n' "${statements[@]}" | sed 's/^ALTER \(.*\) WITH .*/\1/' | paste -sd, -
}
