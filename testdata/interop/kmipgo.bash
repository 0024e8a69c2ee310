# The vendor's page from beginning to end, against a server on the kmip-go toolkit (kmipgo/): set up, list, choose,
# expire, rekey, revoke, destroy, troubleshoot. Unlike PyKMIP it keeps what the database needs: dates, custom
# attributes, the cipher's mode and padding. What it has itself is asked by the toolkit's own client.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

kmipgo() {
    build_kmipgo
    begin_part kmip-go kmipgo start_kmipgo

    local kmip_properties=$kmip/kmip.properties
    # One under a key of the server, and one under a local key, which is to have a namespace.
    local kmip_tables=("cbc oa" "local da")
    local -A kmip_map=([cbc]=$(kmip_options "$cbc" 256 16)) kmip_source kmip_expected
    kmip_map[local]="${kmip_map[cbc]%\}}, 'key_namespace': 'apart'}"
    kmip_source[local]=$(options "$cbc" 256 "$kmip/local-key" 16)

    step "kmip-go: set up"
    set_up
    write_under_server_keys
    step "kmip-go: connect and list"
    test_connection 0
    local activated
    activated=$(attribute "$old_key" "Activation Date")
    list_keys "$old_key old AES/CBC/PKCS5 Active DATE DATE n/a n/a 256" \
        "key group $old_key ['old'] AES/CBC/PKCS5 256 Active None $activated None None"
    step "kmip-go: choose, expire, rekey, revoke"
    choose_by_date
    keep_active "$new_key"
    rekey_to_choice
    rekey_in_namespace
    retire_old_key
    read_from_key_server_only
    step "kmip-go: destroying the old key, losing the server"
    destroy_key cbc-before DESTROYED "does not give out the key $old_key, which is Destroyed" "restore the key"
    list_destroyed
    remember_keys
    lose_server cbc-before
    search_for_secrets
}

# What the connection doctor says of every connection.
kmipgo_connected=(
    "ok       TLS                  TLSv1.3"
    "ok       server certificate   server (localhost, 127.0.0.1), issued by inter"
    "ok       client certificate   asked for, and accepted"
    "ok       KMIP version         1.4"
    "ok       Query"
    "ok       Locate"
)

# The program is kept beside the jars and rebuilt when its sources change.
build_kmipgo() {
    kmipgo_program=$interop/target/kmipgo/kmipgo
    if [[ -x $kmipgo_program && -z $(find "$interop/kmipgo" -newer "$kmipgo_program" -print -quit) ]]; then
        return
    fi
    # In PATH, or where Go's own archive is unpacked to.
    local go
    go=$(command -v go || echo /usr/local/go/bin/go)
    [[ -x $go ]] || die "go is needed for the server on kmip-go; install Go 1.23 or later"
    step "building the server on kmip-go"
    (cd "$interop/kmipgo" && CGO_ENABLED=0 "$go" build -buildvcs=false -o "$kmipgo_program" .) ||
        die "the server on kmip-go cannot be built"
}

# See main.go.
start_kmipgo() {
    connected=("${kmipgo_connected[@]}")
    key_client=("$kmipgo_program" client)
    start_key_server "$kmipgo_program" serve "$kmip/pki"
}

# attribute ID NAME: what the server's own client says.
attribute() {
    kmip_client attributes "$1" | sed -n "s/^$2: //p"
}

# server_keeps WHAT ID NAME VALUE
server_keeps() {
    check kmip-go "$1" "$(attribute "$2" "$3")" "$4"
}

set_up() {
    asked "keys test: before there is a key" 0 keys test "${kmip_config[@]}" group -- "${connected[@]}"
    asked "keys list: none" 0 keys list "${kmip_config[@]}" group -- "Keys on group:"
}

# The oldest active key, as the database does, until it has expired (Protect Stop Date).
choose_by_date() {
    sleep 1.1 # a date has no more than seconds
    new_server_key new
    new_key=$made_key
    planned "plan: the oldest key is the database's choice" 2 cbc -- "kmip group/$old_key" "already under the key"
    asked "expire: nobody confirms" 2 keys expire "${kmip_config[@]}" group "$old_key" -- "no terminal" "nothing was done"
    server_keeps "expire: nothing was done to the key" "$old_key" "Protect Stop Date" ""
    asked "expire: some day" 0 keys expire "${kmip_config[@]}" --yes group "$old_key" 2090-01-01 -- "$old_key" "2090-01-01"
    server_keeps "expire: the date is there" "$old_key" "Protect Stop Date" 2090-01-01T00:00:00Z
    planned "plan: not expired yet" 2 cbc -- "kmip group/$old_key" "already under the key"
    asked "expire: now" 0 keys expire "${kmip_config[@]}" --yes group "$old_key" -- "$old_key"
    check kmip-go "expire: the date has come" \
        "$([[ $(attribute "$old_key" "Protect Stop Date") > $(date -u +%Y-%m-%dT%H:%M:%SZ) ]] || echo passed)" passed
    server_has "expire: the key is active" "$old_key" ACTIVE
    asked "expire: a date that is reached stays" 6 keys expire "${kmip_config[@]}" --yes group "$old_key" 2090-01-01 -- \
        "Protect Stop Date could not be set" "may have expired already"
    asked "expire: a key that is not there" 6 keys expire "${kmip_config[@]}" --yes group nobodys-key -- "check the id"
    planned "plan: the new key is the database's choice" 0 cbc -- "kmip group/$new_key" "3 of 3 SSTables to rewrite"
}

rekey_to_choice() {
    upgraded "re-encrypted to the database's choice" 0 cbc -- "kmip group/$new_key" "3 rewritten, read back and swapped in"
    planned "plan: nothing is left to do" 2 cbc -- "kmip group/$new_key" "already under the key"
}

# A table with a namespace has keys of its own, and gets another when nobody may trust the first.
rekey_in_namespace() {
    local before first
    before=$(kmip_client ids)
    planned "namespace: no key yet" 6 local -- "no active key"
    check kmip-go "namespace: a plan makes no key" "$(kmip_client ids)" "$before"
    upgraded "namespace: a key is made" 0 local --create-key -- "3 rewritten, read back and swapped in" \
        "the key server that did so: 127.0.0.1:$kmip_port"
    first=$(key_made)
    server_has "namespace: the key is active" "$first" ACTIVE
    server_keeps "namespace: the key has it" "$first" x-key-namespace apart
    server_keeps "namespace: the key is for the cipher" "$first" "Cryptographic Parameters" CBC/PKCS5
    asked "keys list: of the namespace only" 0 keys list "${kmip_config[@]}" --namespace apart group
    check kmip-go "keys list: the row" "$(listed "[0-9a-f-]{36}")" "$first n/a AES/CBC/PKCS5 Active DATE DATE n/a apart 256"
    before=$(kmip_client ids)
    upgraded "namespace: the same key once more" 0 local --create-key -- "already"
    check kmip-go "namespace: no other key was made" "$(kmip_client ids)" "$before"

    asked "namespace: its key expires" 0 keys expire "${kmip_config[@]}" --yes group "$first" -- "$first"
    planned "namespace: an expired key is not taken" 6 local -- "no active key"
    asked "revoke: a compromise" 0 keys revoke "${kmip_config[@]}" --force --reason key-compromise --yes group "$first" -- \
        "revoked key $first of group group" "Key Compromise"
    server_has "revoke: the key is compromised" "$first" COMPROMISED
    server_keeps "revoke: the reason" "$first" "Revocation Reason" KeyCompromise
    upgraded "namespace: re-encrypted from the compromised key" 0 local --create-key -- "3 rewritten, read back and swapped in"
    new_keys=("$new_key" "$(key_made)")
    server_keeps "namespace: the other key has it" "${new_keys[1]}" x-key-namespace apart
}

retire_old_key() {
    local data
    all_tables
    asked "revoke: the copy is under the key" 4 keys revoke "${kmip_config[@]}" "${data[@]}" --data-dir "$kmip/cbc-before/data" \
        --not-a-node --yes group "$old_key" -- "no: kmip group/$old_key" "nothing was revoked"
    server_has "revoke: nothing was done to the key" "$old_key" ACTIVE
    revoke_key "${data[@]}" --not-a-node
    asked "revoke: once more" 6 keys revoke "${kmip_config[@]}" "${data[@]}" --not-a-node --yes group "$old_key"
    rekeyed
}

# The local key is gone, too.
read_from_key_server_only() {
    rm "$kmip/local-key"
    read_under_new_keys
}

# The server keeps what it knows of a key that is destroyed.
list_destroyed() {
    asked "keys list: the destroyed key" 0 keys list "${kmip_config[@]}" group
    check kmip-go "keys list: its row" "$(listed "$old_key")" "$old_key old AES/CBC/PKCS5 Destroyed DATE DATE DATE n/a 256"
    asked "expire: a destroyed key" 6 keys expire "${kmip_config[@]}" --yes group "$old_key"
}

# For the search for secrets: those that the tool made, too.
remember_keys() {
    local id hex
    for id in $(kmip_client ids); do
        ! hex=$(kmip_client get "$id") || spellings "$hex" >>"$kmip/secrets"
    done
}
