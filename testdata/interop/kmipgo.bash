# The vendor's page from beginning to end, against a server on the kmip-go toolkit (kmipgo/): set up, list, rekey, expire,
# rotate, revoke, destroy, troubleshoot. Unlike PyKMIP it keeps what the database needs: dates, custom attributes,
# the cipher's mode and padding. PyKMIP's client gets the keys out of it, for the harness.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

kmipgo() {
    kmip=$work/kmipgo judged_by=kmip-go
    mkdir -p "$kmip/answers"
    answers=0
    build_kmipgo
    build_pykmip
    step "kmip-go: certificates, stores, server, a table under a local key"
    quietly make_pki
    quietly make_stores
    start_kmipgo "$kmip/pki" "$kmip/states"
    node_config "$kmip/hcd.yaml" "127.0.0.1:$kmip_port" keytool.jks jks trust.jks jks "timeout: 20000"
    kmip_config=(--config "$kmip/hcd.yaml")
    local kmip_properties=$kmip/kmip.properties
    local same
    same=$(kmip_options "$cbc" 256 16)
    local -A kmip_map=([table]=$same [copy]=$same [apart]="${same%\}}, 'key_namespace': 'apart'}")
    write_under_local_key
    step "kmip-go: the vendor's page"
    set_up
    first_key
    rotate
    step "kmip-go: Cassandra $(version 5.0) reads with the new key only"
    read_after_rotation
    step "kmip-go: the old key goes; troubleshooting"
    old_key_goes
    troubleshoot
}

# The program is kept beside the jars and made anew when its sources change.
build_kmipgo() {
    kmipgo_program=$interop/target/kmipgo/server
    if [[ -x $kmipgo_program && -z $(find "$interop/kmipgo" -newer "$kmipgo_program" -print -quit) ]]; then
        return
    fi
    local go
    go=$(command -v go || echo /usr/local/go/bin/go)
    [[ -x $go ]] || die "go is needed for the server on kmip-go; install Go 1.23 or later"
    step "building the server on kmip-go"
    (cd "$interop/kmipgo" && "$go" build -o "$kmipgo_program" .) || die "the server on kmip-go cannot be built"
}

# start_kmipgo PKI STATES: sets kmip_port and kmip_pid, as start_pykmip does.
start_kmipgo() {
    local word='' pki=$1 states=$2
    key_client=("$pykmip_python" "$interop/pykmip/client.py")
    coproc kmipgo_server { exec "$kmipgo_program" "$pki" "$states" 2>"$states.errors"; }
    kmip_pid=$kmipgo_server_PID
    read -r -t 60 word kmip_port <&"${kmipgo_server[0]}" || true
    [[ $word == PORT ]] || die "the server on kmip-go did not start: $(cat "$states.errors")"
}

# kept WHAT ID STATE: what the server itself says of a key.
kept() {
    check kmip-go "$1" "$(sed -n "s/^$2 \([^ ]*\) .*/\1/p" "$kmip/states")" "$3"
}

write_under_local_key() {
    local line
    {
        command_line write id=write "data=$kmip/table/data" "keyspace=$keyspace" "table=$table_name" rows=2000 blob=300 \
            "compression=$(options "$cbc" 256 "$kmip/local-key" 16)"
        command_line read id=read "data=$kmip/table/data" "keyspace=$keyspace" "table=$table_name"
    } | batch 5.0 oa
    judge read kmip-go "written under a local key"
    line=$(result read)
    table_expected=("rows=$(field "$line" rows)" "hash=$(field "$line" hash)" sstables=3)
}

set_up() {
    asked "keys test: everything is there" 0 keys test "${kmip_config[@]}" group -- \
        "ok       Query                kmip-go; everything that the database needs" "ok       Locate               0 symmetric keys"
    asked "keys list: none" 0 keys list "${kmip_config[@]}" -- "Keys on group:"
    planned "plan: no key yet" 6 table -- "no active key for $cbc of 256 bits"
    check kmip-go "a plan makes no key" "$(cat "$kmip/states" 2>/dev/null)" ""
}

first_key() {
    upgraded "the first key is made, and everything is under it" 0 table --create-key -- "made a new key: kmip group/kg-0001" \
        "the key server that did so: 127.0.0.1:$kmip_port" "3 rewritten, read back and swapped in"
    kept "the first key is active" kg-0001 Active
    cp -a "$kmip/table" "$kmip/copy"
    asked "keys list: the columns" 0 keys list "${kmip_config[@]}" group
    check kmip-go "keys list: the row" \
        "$(sed -nE 's/ +/ /g; s/[A-Z][a-z]{2} [A-Z][a-z]{2} [0-9]{2} [0-9:]{8} UTC [0-9]{4}/DATE/g; s/^ ?(kg-0001 .*[^ ]) *$/\1/p' <<<"$answer")" \
        "kg-0001 n/a AES/CBC/PKCS5 Active DATE DATE n/a n/a 256"
    asked "keys test: the key in use" 0 keys test "${kmip_config[@]}" --data-dir "$kmip/table/data" group -- \
        "kg-0001: Active, 256 bits, can be read"
    planned "plan: all is under it already" 0 table -- "the only key that the database finds" "0 of 3 SSTables to rewrite"
}

rotate() {
    asked "revoke: it is in use" 4 keys revoke "${kmip_config[@]}" --data-dir "$kmip/table/data" --yes group kg-0001 -- \
        "kmip group/kg-0001 is in use" "nothing was revoked"
    kept "nothing was revoked" kg-0001 Active
    asked "expire" 0 keys expire "${kmip_config[@]}" --yes group kg-0001 -- \
        "expired key kg-0001 of group group on 127.0.0.1:$kmip_port: Protect Stop Date"
    check kmip-go "expire: the date is there" "$(grep -c '^kg-0001 Active 2' "$kmip/states")" 1
    asked "expire: a date that is reached stays" 6 keys expire "${kmip_config[@]}" --yes group kg-0001 2090-01-01 -- \
        "Protect Stop Date could not be set" "may have expired already"
    planned "plan: an expired key is not taken" 6 copy -- "no active key"
    upgraded "rotate" 0 table --create-key -- "made a new key: kmip group/kg-0002" "3 rewritten, read back and swapped in"
    kept "the second key is active" kg-0002 Active
    upgraded "rotate once more: the same key, nothing to do" 0 table --create-key -- "already"
    check kmip-go "no third key" "$(wc -l <"$kmip/states")" 2
    planned "plan: the database takes the second key" 0 copy -- "target: Encryptor, $cbc 256 bits, kmip group/kg-0002" \
        "3 of 3 SSTables to rewrite"
    cp -a "$kmip/copy" "$kmip/apart"
    planned "plan: a namespace has keys of its own" 6 apart -- "no active key"
    upgraded "a key of the namespace" 0 apart --create-key -- "made a new key: kmip group/kg-0003" "3 rewritten"
    asked "keys list: of the namespace only" 0 keys list "${kmip_config[@]}" --namespace apart group -- "kg-0003" "apart"
    check kmip-go "keys list: one key" "$(grep -c '^ *kg-' <<<"$answer")" 1
}

read_after_rotation() {
    harness_knows kg-0002
    {
        command_line read id=table "data=$kmip/table/data" "keyspace=$keyspace" "table=$table_name" "${table_expected[@]}"
        command_line read id=copy "data=$kmip/copy/data" "keyspace=$keyspace" "table=$table_name" expect=failure
    } | batch 5.0 oa
    judge table kmip-go "rows, hash, verifier with the new key only"
    judge copy kmip-go "the copy needs the old key"
}

old_key_goes() {
    local data=(--data-dir "$kmip/table/data") copy=(--data-dir "$kmip/copy/data")
    asked "revoke: the copy uses it" 4 keys revoke "${kmip_config[@]}" "${data[@]}" "${copy[@]}" --yes group kg-0001 -- \
        "kmip group/kg-0001 is in use"
    asked "revoke" 0 keys revoke "${kmip_config[@]}" "${data[@]}" --yes group kg-0001 -- \
        "revoked key kg-0001 of group group on 127.0.0.1:$kmip_port: Superseded"
    kept "revoked" kg-0001 Deactivated
    asked "a revoked key opens the copy" 0 verify "${kmip_config[@]}" "${copy[@]}" -- "3 verified"
    asked "destroy: an active key" 6 keys destroy "${kmip_config[@]}" --force --yes group kg-0002 -- \
        "refused Destroy of kg-0002: Permission Denied" "revoke it first"
    kept "an active key stays" kg-0002 Active
    asked "destroy: the copy uses it" 4 keys destroy "${kmip_config[@]}" "${data[@]}" "${copy[@]}" --yes group kg-0001 -- \
        "nothing was destroyed"
    asked "destroy" 0 keys destroy "${kmip_config[@]}" "${data[@]}" --yes group kg-0001 -- "destroyed key kg-0001 of group group"
    kept "destroyed" kg-0001 Destroyed
    asked "destroyed: the copy cannot be read" 6 verify "${kmip_config[@]}" "${copy[@]}" -- \
        "does not give out the key kg-0001, which is Destroyed" "restore the key"
    asked "destroyed: the table can" 0 verify "${kmip_config[@]}" "${data[@]}" -- "3 verified"
}

troubleshoot() {
    node_config "$kmip/two.yaml" "127.0.0.1:1, 127.0.0.1:$kmip_port" keytool.jks jks trust.jks jks "timeout: 20000"
    asked "one of two hosts is down" 0 keys list --config "$kmip/two.yaml" group -- \
        "127.0.0.1:$kmip_port answers; passed over: 127.0.0.1:1: cannot connect"
    node_config "$kmip/stranger.yaml" "127.0.0.1:$kmip_port" stranger.p12 pkcs12 trust.jks jks "timeout: 20000"
    asked "a client that the server does not know" 6 keys test --config "$kmip/stranger.yaml" group -- \
        "refused the client's certificate" "register the client's certificate"
    node_config "$kmip/strange.yaml" "127.0.0.1:$kmip_port" keytool.jks jks stranger.p12 pkcs12 "timeout: 20000"
    asked "a server that the client does not know" 6 keys test --config "$kmip/strange.yaml" group -- "in the truststore"
    sed "s/\(keystore_password:\).*/\1 $wrong_password/" "$kmip/hcd.yaml" >"$kmip/wrong.yaml"
    asked "a wrong password" 2 keys list --config "$kmip/wrong.yaml" group -- "wrong password for the JKS key store"
    asked "a key that is not there" 6 keys expire "${kmip_config[@]}" --yes group kg-9999 -- "check the id"
    stop_key_server
    asked "no server" 6 keys list "${kmip_config[@]}" group -- "cannot connect: Connection refused"
}
