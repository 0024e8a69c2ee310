# The steps that are the same for every KMIP server. A part has tables (kmip_tables, each a name and a format) with what
# they are to be (kmip_map); Cassandra writes them as that says, under old_key, unless kmip_source says otherwise.
# new_keys are those that the tables are under when all is done.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

write_under_server_keys() {
    step "$judged_by: Cassandra $(version 5.0) writes under its keys"
    new_server_key old
    old_key=$made_key
    harness_knows "$old_key"
    local name format line
    while read -r name format; do
        {
            command_line write "id=write" "data=$kmip/$name/data" "keyspace=$keyspace" "table=$table_name" rows=2000 blob=300 \
                "compression=${kmip_source[$name]:-${kmip_map[$name]}}"
            command_line read "id=read" "data=$kmip/$name/data" "keyspace=$keyspace" "table=$table_name"
        } | batch 5.0 "$format"
        judge read "$judged_by" "$name, $format: written, rows and hash before"
        line=$(result read)
        kmip_expected[$name]=$(command_line "rows=$(field "$line" rows)" "hash=$(field "$line" hash)" sstables=3)
        cp -a "$kmip/$name" "$kmip/$name-before"
    done < <(printf '%s\n' "${kmip_tables[@]}")
}

# all_tables: sets data, the options that name all of them.
all_tables() {
    local table
    data=()
    for table in "${kmip_tables[@]}"; do
        data+=(--data-dir "$kmip/${table%% *}/data")
    done
}

# test_connection EXIT_CODE: what the doctor says of the server is in connected.
test_connection() {
    asked "keys test: all steps" "$1" keys test "${kmip_config[@]}" --data-dir "$kmip/cbc/data" group -- \
        "${connected[@]}" "ok       key in use           $old_key: Active, 256 bits, can be read"
    node_config "$kmip/two.yaml" "127.0.0.1:1, 127.0.0.1:$kmip_port" keytool.jks jks trust.jks jks "timeout: 20000"
    asked "keys test: each host for itself" 6 keys test --config "$kmip/two.yaml" group -- \
        "FAILED   connection           no key server could be used: 127.0.0.1:1: cannot connect" "${connected[@]}"
    asked "a dead host, then one that answers" 0 verify --config "$kmip/two.yaml" --data-dir "$kmip/cbc/data" -- "3 verified"
    asked "keys list: which host answers" 0 keys list --config "$kmip/two.yaml" group -- \
        "127.0.0.1:$kmip_port answers; passed over: 127.0.0.1:1"
    node_config "$kmip/stranger.yaml" "127.0.0.1:$kmip_port" stranger.p12 pkcs12 trust.jks jks "timeout: 20000"
    asked "a client that the server does not know" 6 keys test --config "$kmip/stranger.yaml" group -- \
        "the server refused the client's certificate" "cure: register the client's certificate"
    node_config "$kmip/strange.yaml" "127.0.0.1:$kmip_port" keytool.jks jks stranger.p12 pkcs12 "timeout: 20000"
    asked "a server that the client does not know" 6 keys test --config "$kmip/strange.yaml" group -- \
        "FAILED   connection" "certificate" "truststore" "cure:"
    sed "s/\(keystore_password:\).*/\1 $wrong_password/" "$kmip/hcd.yaml" >"$kmip/wrong.yaml"
    local arguments what
    for arguments in "keys test" "keys list" verify; do
        what="$arguments: a wrong password of the store"
        case $arguments in
            verify) arguments="verify --data-dir $kmip/cbc/data" ;;
            *) arguments="$arguments group" ;;
        esac
        # shellcheck disable=SC2086 # words of a command
        asked "$what" 2 $arguments --config "$kmip/wrong.yaml" -- "keytool.jks: wrong password for the JKS key store"
    done
}

# listed ID: its row in the last answer, with DATE for dates.
listed() {
    sed -nE "s/^ *($1 .*[^ ]) *$/\1/p" <<<"$answer" | tr -s ' ' |
        sed -E 's/[A-Z][a-z]{2} [A-Z][a-z]{2} [0-9]{2} [0-9:]{8} UTC [0-9]{4}/DATE/g'
}

# list_keys ROW FIELDS: what is said of the old key, which is the only one.
list_keys() {
    asked "keys list" 0 keys list "${kmip_config[@]}" group -- "Keys on group:"
    check "$judged_by" "keys list: the row" "$(listed "$old_key")" "$1"
    asked "keys list --json" 0 keys list "${kmip_config[@]}" --json group
    check "$judged_by" "keys list --json: the fields" "$(python3 -c '
import json, sys
for key in map(json.loads, sys.stdin):
    if key["type"] != "key":
        continue
    assert key["creation_date"]
    dates = [key[name + "_date"] for name in ("activation", "protect_stop", "deactivation")]
    print(*(key[name] for name in ("type", "group", "id", "names", "cipher", "strength", "state", "namespace")), *dates)
' <"$kmip/answers/$answers" 2>&1)" "$2"
}

# keep_active KEY: the old key is in use, nobody confirms, and an active key cannot be destroyed.
keep_active() {
    asked "revoke: the table is under the key" 4 keys revoke "${kmip_config[@]}" --data-dir "$kmip/cbc/data" --not-a-node --yes \
        group "$old_key" -- "no: kmip group/$old_key" "nothing was revoked"
    asked "revoke: nobody confirms" 2 keys revoke "${kmip_config[@]}" --force group "$old_key" -- "no terminal" "nothing was done"
    server_has "nothing was done to the key" "$old_key" ACTIVE
    asked "destroy: the server keeps an active key" 6 keys destroy "${kmip_config[@]}" --force --yes group "$1" -- \
        "the key server refused Destroy of $1, which is Active: Permission Denied" "revoke it first"
    server_has "destroy: it is still active" "$1" ACTIVE
}

# revoke_key ARGUMENT...: --force, or the data that is not under the old key any more.
revoke_key() {
    asked "revoke" 0 keys revoke "${kmip_config[@]}" "$@" --reason superseded --yes group "$old_key" -- \
        "revoked key $old_key of group group on 127.0.0.1:$kmip_port: Superseded"
    server_has "revoke: the key is deactivated" "$old_key" DEACTIVATED
}

# rekeyed: all tables are under new_keys, and the copy of one is under the old key.
rekeyed() {
    local name data leftover='' census
    for name in "${kmip_tables[@]}"; do
        leftover+=$(leftovers "$kmip/${name%% *}")
    done
    check "$judged_by" "no logs, no staging left" "$leftover" ""
    asked "a revoked key still opens the copy" 0 verify "${kmip_config[@]}" --data-dir "$kmip/cbc-before/data" -- "3 verified"
    all_tables
    asked "census: the new keys only" 0 census --json "${data[@]}"
    census=$(grep -o '"id":"[^"]*"' <<<"$answer" | cut -d'"' -f 4 | sort -u | tr '\n' ' ')
    check "$judged_by" "census: the keys" "$census" "$(printf '%s\n' "${new_keys[@]}" | sort -u | tr '\n' ' ')"
}

read_under_new_keys() {
    step "$judged_by: Cassandra $(version 5.0) reads with the new keys only"
    rm -f "$kmip_properties"
    local name format expected
    for name in "${new_keys[@]}"; do harness_knows "$name"; done
    while read -r name format; do
        IFS=$'\t' read -ra expected <<<"${kmip_expected[$name]}"
        command_line read "id=$name" "data=$kmip/$name/data" "keyspace=$keyspace" "table=$table_name" "${expected[@]}"
        command_line read "id=$name-before" "data=$kmip/$name-before/data" "keyspace=$keyspace" "table=$table_name" \
            expect=failure
    done < <(printf '%s\n' "${kmip_tables[@]}") | batch 5.0 oa
    for name in "${kmip_tables[@]}"; do
        name=${name%% *}
        judge "$name" "$judged_by" "$name: rows, hash, verifier with the new key only"
        judge "$name-before" "$judged_by" "$name: the copy needs the old key"
        asked "$name: the tool's own verify" 0 verify "${kmip_config[@]}" --data-dir "$kmip/$name/data" -- "3 verified"
    done
}

# destroy_key COPY STATE TEXT...: a copy is under the old key, which is in this state when it is destroyed; what is
# said of a copy that cannot be read.
destroy_key() {
    local data copy=(--data-dir "$kmip/$1/data") state=$2
    shift 2
    all_tables
    asked "destroy: the copy uses the key" 4 keys destroy "${kmip_config[@]}" "${data[@]}" "${copy[@]}" --not-a-node \
        --yes group "$old_key" -- "no: kmip group/$old_key" "nothing was destroyed"
    asked "destroy: nobody confirms" 2 keys destroy "${kmip_config[@]}" "${data[@]}" --not-a-node group "$old_key" -- \
        "no terminal" "nothing was done"
    server_has "destroy: the key is still there" "$old_key" DEACTIVATED
    asked "destroy" 0 keys destroy "${kmip_config[@]}" "${data[@]}" --not-a-node --yes group "$old_key" -- \
        "looked at: " "destroyed key $old_key of group group"
    server_has "destroy: the key is gone" "$old_key" "$state"
    asked "destroyed: the copy cannot be read" 6 verify "${kmip_config[@]}" "${copy[@]}" -- "$@"
    asked "destroyed: keys test finds it in the copy" 6 keys test "${kmip_config[@]}" "${copy[@]}" group -- \
        "FAILED   key in use" "$old_key"
    asked "destroyed: the tables can" 0 verify "${kmip_config[@]}" "${data[@]}" -- "$((3 * ${#kmip_tables[@]})) verified"
    asked "destroyed: once more" 6 keys destroy "${kmip_config[@]}" "${data[@]}" --not-a-node --yes group "$old_key"
}

# lose_server TABLE: first a server that hangs, then one that is not there; the table is not under its new key.
lose_server() {
    local name=$1
    node_config "$kmip/short.yaml" "127.0.0.1:$kmip_port" keytool.jks jks trust.jks jks "timeout: 1000"
    local kmip_config=(--config "$kmip/short.yaml") data=(--data-dir "$kmip/cbc/data")
    kill -STOP "$kmip_pid"
    planned "hanging server: plan" 6 "$name" -- "no answer after 1000 ms"
    asked "hanging server: verify" 6 verify "${kmip_config[@]}" "${data[@]}" -- "no answer after 1000 ms"
    stop_key_server
    check "$judged_by" "the server leaves no process behind" "$(processes_with "$kmip/pki")" ""
    planned "no server: plan" 6 "$name" -- "cannot connect: Connection refused" "check that the key server runs"
    asked "no server: verify" 6 verify "${kmip_config[@]}" "${data[@]}" -- "cannot connect: Connection refused"
    asked "no server: keys list" 6 keys list "${kmip_config[@]}" group -- "cannot connect: Connection refused"
    asked "no server: keys test" 6 keys test "${kmip_config[@]}" group -- "FAILED   connection"
}

# In everything that the tool said, here and in the parts before.
search_for_secrets() {
    printf '%s\n' "$store_password" "$wrong_password" "$(sed -n 2p "$kmip/pki/client.key")" >>"$kmip/secrets"
    check "$judged_by" "the search for secrets finds them in the files" \
        "$(grep -lFi -f "$kmip/secrets" "$kmip/hcd.yaml" "$kmip_properties" | wc -l)" 2
    check "$judged_by" "no password and no key in any output" \
        "$(grep -rlFi -f "$kmip/secrets" "$kmip/answers" "$work/tool.log" | tr '\n' ' ')" ""
}
