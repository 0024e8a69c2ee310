# The tool and a real KMIP server: PyKMIP, which is nobody's work here. It holds no dates, no custom attributes and no
# cipher modes, and has no Add Attribute, so what the tool says of a server that cannot serve the database is a part of
# what is checked.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

wrong_password=wrong-horse-8461

kmip() {
    kmip=$work/kmip judged_by=PyKMIP
    mkdir -p "$kmip/answers"
    answers=0
    build_pykmip
    step "PyKMIP: certificates, stores, server"
    quietly make_pki
    quietly make_stores
    start_pykmip "$kmip/pki" "$kmip/state"
    node_config "$kmip/hcd.yaml" "127.0.0.1:$kmip_port" keytool.jks jks trust.jks jks "timeout: 20000"
    kmip_config=(--config "$kmip/hcd.yaml")

    # The harness gets the server's keys, and not those of the other parts.
    local kmip_properties=$kmip/kmip.properties
    write_under_server_keys
    test_stores
    step "PyKMIP: keys"
    test_connection
    list_keys
    choose_key
    create_key
    retire_key
    rekey_tables
    step "PyKMIP: Cassandra $(version 5.0) reads with the new keys only"
    read_under_new_keys
    step "PyKMIP: destroying the old key, losing the server"
    destroy_key
    lose_server
    search_for_secrets
}

# quietly FUNCTION: runs it in a shell of its own, and shows its output only if it fails.
quietly() {
    local code=0
    set +e
    (
        set -e
        "$@"
    ) >"$kmip/quietly.log" 2>&1
    code=$?
    set -e
    ((code == 0)) || die "$* failed: $(tail -n 20 "$kmip/quietly.log")"
}

# asked WHAT EXIT_CODE ARGUMENT... [-- TEXT...]: calls the tool, without a terminal, and scores it: its exit code, and
# that it says each of the texts. What it said is in answer, and kept for the search for secrets.
asked() {
    local what=$1 expected=$2 code=0 arguments=() text
    shift 2
    while (($# > 0)) && [[ $1 != -- ]]; do
        arguments+=("$1")
        shift
    done
    (($# == 0)) || shift
    answers=$((answers + 1))
    local file=$kmip/answers/$answers
    timeout 60 "$tool" "${arguments[@]}" </dev/null >"$file" 2>"$file.errors" || code=$?
    answer=$(cat "$file" "$file.errors")
    { printf '$ sstablerekey' && printf ' %q' "${arguments[@]}" && printf '\n%s\nexit code %s\n' "$answer" "$code"; } \
        >>"$work/tool.log"
    if [[ $code != "$expected" ]]; then
        fail "$judged_by" "$what" "exit code $code and not $expected: $answer"
        return
    fi
    for text in "$@"; do
        if [[ $answer != *"$text"* ]]; then
            fail "$judged_by" "$what" "it does not say '$text': $answer"
            return
        fi
    done
    if ((code != 0)) && grep -qE "$type_names" <<<"$answer"; then
        fail "$judged_by" "$what" "it has the name of a library's type: $answer"
        return
    fi
    pass "$judged_by" "$what"
}

# What only programs call a fault.
type_names='CaUsedAsEndEntity|InvalidCertificate|UnknownIssuer|UnknownCA|HandshakeFailure|rustls|webpki|Error \{|Some\(|Err\('

# new_server_key NAME: by PyKMIP's client; its id is in made_key.
new_server_key() {
    made_key=$(kmip_client create 256 "$1") || die "PyKMIP's client made no key, see $kmip/client.log"
}

# harness_knows ID: PyKMIP's client fetches the key, and the database writes with it.
harness_knows() {
    local hex
    hex=$(kmip_client get "$1") || die "PyKMIP's client got no key, see $kmip/client.log"
    (
        umask 077
        touch "$kmip_properties"
        sed -i '/^write\./d' "$kmip_properties"
        printf '%s = %s\nwrite.group = %s\n' "$1" "$hex" "$1" >>"$kmip_properties"
        spellings "$hex" >>"$kmip/secrets"
    )
}

# spellings HEX: a key as it could be printed: parts of it in hex, in base64, and as a list of numbers.
spellings() {
    local escaped text numbers
    # shellcheck disable=SC2001 # an expansion cannot repeat what it found
    escaped=$(sed 's/../\\x&/g' <<<"$1")
    text=$(printf '%b' "$escaped" | base64 -w 0)
    numbers=$(printf '%b' "$escaped" | od -An -v -tu1 -w32 | sed 's/^ *//; s/  */, /g' | cut -d, -f 1-6)
    printf '%s\n' "${1:0:16}" "${1:16:16}" "${1:48:16}" "${text:0:12}" "${text:8:12}" "$numbers"
}

# server_has WHAT ID STATE: what PyKMIP's client says of the key.
server_has() {
    check PyKMIP "$1" "$(kmip_client state "$2")" "$3"
}

# files_of FOLDER: changes with everything below it.
files_of() {
    find "$1" -printf '%P %s %i %T@\n' | LC_ALL=C sort | sha256sum
}

# The two tables: the database's usual cipher, and the one that a key of this server can be for.
kmip_tables=("cbc oa" "bare da")
declare -A kmip_map=([cbc]=$(kmip_options "$cbc" 256 16) [bare]=$(kmip_options AES 256 16))
declare -A kmip_expected

write_under_server_keys() {
    step "PyKMIP: Cassandra $(version 5.0) writes under its keys"
    new_server_key old
    old_key=$made_key
    harness_knows "$old_key"
    local name format line
    while read -r name format; do
        {
            command_line write "id=write" "data=$kmip/$name/data" "keyspace=$keyspace" "table=$table_name" rows=2000 blob=300 \
                "compression=${kmip_map[$name]}"
            command_line read "id=read" "data=$kmip/$name/data" "keyspace=$keyspace" "table=$table_name"
        } | batch 5.0 "$format"
        judge read PyKMIP "$name, $format: written, rows and hash before"
        line=$(result read)
        kmip_expected[$name]=$(command_line "rows=$(field "$line" rows)" "hash=$(field "$line" hash)" sstables=3)
        cp -a "$kmip/$name" "$kmip/$name-before"
    done < <(printf '%s\n' "${kmip_tables[@]}")
}

# What the connection doctor says of every connection that PyKMIP accepts, and what it misses in it.
connected=(
    "ok       TLS                  TLSv1.3"
    "ok       server certificate   server (localhost, 127.0.0.1), issued by inter"
    "ok       client certificate   asked for, and accepted"
    "ok       KMIP version         1.4"
    "FAILED   Query                PyKMIP 0.11.0 Software Server; it does not list Add Attribute, object type Symmetric Key"
    "cure: the database does not start with such a server"
    "ok       Locate"
)

test_connection() {
    asked "keys test: all steps, Query fails" 6 keys test "${kmip_config[@]}" --data-dir "$kmip/cbc/data" group -- \
        "${connected[@]}" "ok       key in use           $old_key: Active, 256 bits, can be read"
    node_config "$kmip/two.yaml" "127.0.0.1:1, 127.0.0.1:$kmip_port" keytool.jks jks trust.jks jks "timeout: 20000"
    asked "keys test: each host for itself" 6 keys test --config "$kmip/two.yaml" group -- \
        "FAILED   connection           no key server could be used: 127.0.0.1:1: cannot connect" "${connected[@]}"
    asked "a dead host, then one that answers" 0 verify --config "$kmip/two.yaml" --data-dir "$kmip/cbc/data" -- "3 verified"
    node_config "$kmip/stranger.yaml" "127.0.0.1:$kmip_port" stranger.p12 pkcs12 trust.jks jks "timeout: 20000"
    asked "a client that the server does not know" 6 keys test --config "$kmip/stranger.yaml" group -- \
        "the server refused the client's certificate" "cure: register the client's certificate"
    node_config "$kmip/strange.yaml" "127.0.0.1:$kmip_port" keytool.jks jks stranger.p12 pkcs12 "timeout: 20000"
    asked "a server that the client does not know" 6 keys test --config "$kmip/strange.yaml" group -- \
        "FAILED   connection" "certificate" "cure:"
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

list_keys() {
    asked "keys list" 0 keys list "${kmip_config[@]}" group -- "Keys on group:"
    local row
    row=$(sed -nE "s/^ *($old_key .*[^ ]) *$/\1/p" <<<"$answer" | tr -s ' ')
    check PyKMIP "keys list: dates that are not kept are n/a" \
        "$(sed -E 's/[A-Z][a-z]{2} [A-Z][a-z]{2} [0-9]{2} [0-9:]{8} UTC [0-9]{4}/DATE/' <<<"$row")" \
        "$old_key old AES Active n/a DATE n/a n/a 256"
    asked "keys list --json" 0 keys list "${kmip_config[@]}" --json group
    check PyKMIP "keys list --json: the fields" "$("$pykmip_python" -c '
import json, sys
for key in map(json.loads, sys.stdin):
    if key["type"] != "key":
        continue
    assert key.pop("creation_date")
    dates = [key.pop(name + "_date") for name in ("activation", "protect_stop", "deactivation")]
    print(*(key[name] for name in ("type", "group", "id", "names", "cipher", "strength", "state")), dates)
' <"$kmip/answers/$answers" 2>&1)" "key group $old_key ['old'] AES 256 Active [None, None, None]"
}

# planned WHAT EXIT_CODE TABLE ARGUMENT... [-- TEXT...]
planned() {
    local what=$1 code=$2 name=$3
    shift 3
    asked "$what" "$code" plan "${kmip_config[@]}" --data-dir "$kmip/$name/data" --flavor apache-4 \
        --compression "${kmip_map[${name%-before}]}" "$@"
}

# The database names a key by cipher, mode and padding. This server keeps no more than the cipher.
choose_key() {
    planned "plan: the database's choice for AES" 2 bare -- \
        "target: Encryptor, AES 256 bits, kmip group/$old_key" "the only key that the database finds" \
        "already under the key that the database would still choose"
    planned "plan: no choice for AES/CBC, with the reason" 6 cbc -- \
        "no active key for $cbc of 256 bits: $old_key is for the cipher AES" "name a key with --key-id"
    planned "plan: AES/CBC with a key that is named" 0 cbc --key-id "$old_key" -- \
        "target: Encryptor, $cbc 256 bits, kmip group/$old_key" "named by the operator"
}

# upgraded WHAT EXIT_CODE TABLE ARGUMENT... [-- TEXT...]
upgraded() {
    local what=$1 code=$2 name=$3
    shift 3
    asked "$what" "$code" upgradesstables -a "${kmip_config[@]}" --data-dir "$kmip/$name/data" --flavor apache-4 \
        --compression "${kmip_map[$name]}" "$@"
}

create_key() {
    local before
    before=$(files_of "$kmip/cbc")
    upgraded "create: refused for AES/CBC" 6 cbc --create-key -- \
        "the key server refused Create: Invalid Field (7): The Cryptographic Parameters attribute is unsupported"
    check PyKMIP "create: refused, no key made" "$(kmip_client ids)" "$old_key"
    check PyKMIP "create: refused, nothing written" "$(files_of "$kmip/cbc")" "$before"

    upgraded "create: a key for AES, and re-encrypted" 0 bare --create-key -- "made a new key: kmip group/" \
        "3 rewritten, read back and swapped in"
    created_key=$(sed -n 's|^note: made a new key: kmip group/||p' <<<"$answer")
    server_has "create: the key is active" "$created_key" ACTIVE
    # Neither has a date, and so the order is the server's own: the newest first.
    planned "plan: two keys without dates" 0 bare-before -- "target: Encryptor, AES 256 bits, kmip group/$created_key" \
        "the first of 2 keys that the database finds" "then the server's own order" "not $old_key: fits"
}

retire_key() {
    asked "expire: nobody confirms" 2 keys expire "${kmip_config[@]}" group "$old_key" -- "no terminal" "nothing was done"
    asked "expire: the server cannot" 6 keys expire "${kmip_config[@]}" group "$old_key" --yes -- \
        "the key server refused Add Attribute of $old_key: Invalid Message (4)"
    asked "revoke: the table is under the key" 4 keys revoke "${kmip_config[@]}" --data-dir "$kmip/cbc/data" --yes group "$old_key" -- \
        "kmip group/$old_key is in use" "nothing was revoked"
    asked "revoke: nobody confirms" 2 keys revoke "${kmip_config[@]}" --force group "$old_key" -- "no terminal" "nothing was done"
    server_has "nothing was done to the key" "$old_key" ACTIVE
    asked "destroy: the server keeps an active key" 6 keys destroy "${kmip_config[@]}" --force --yes group "$created_key" -- \
        "the key server refused Destroy of $created_key: Permission Denied"
    server_has "destroy: it is still active" "$created_key" ACTIVE
    asked "revoke" 0 keys revoke "${kmip_config[@]}" --force --reason superseded --yes group "$old_key" -- \
        "revoked key $old_key of group group on 127.0.0.1:$kmip_port: Superseded"
    server_has "revoke: the key is deactivated" "$old_key" DEACTIVATED
    planned "plan: the database takes the new key now" 0 bare-before -- \
        "target: Encryptor, AES 256 bits, kmip group/$created_key" "the only key that the database finds" "3 of 3 SSTables to rewrite"
}

rekey_tables() {
    new_server_key new
    new_key=$made_key
    upgraded "re-encrypted from the revoked key" 0 cbc --key-id "$new_key" -- "3 rewritten, read back and swapped in"
    check PyKMIP "no logs, no staging left" "$(leftovers "$kmip/cbc")$(leftovers "$kmip/bare")" ""
    asked "a revoked key still opens the copy" 0 verify "${kmip_config[@]}" --data-dir "$kmip/cbc-before/data" -- "3 verified"
    asked "census: the new key only" 0 census --json --data-dir "$kmip/cbc/data" --data-dir "$kmip/bare/data"
    local census
    census=$(grep -o '"id":"[^"]*"' <<<"$answer" | sort -u | tr -d '\n')
    check PyKMIP "census: the keys" "$census" "\"id\":\"$created_key\"\"id\":\"$new_key\""
}

read_under_new_keys() {
    rm "$kmip_properties"
    harness_knows "$created_key"
    harness_knows "$new_key"
    local name format expected
    while read -r name format; do
        IFS=$'\t' read -ra expected <<<"${kmip_expected[$name]}"
        command_line read "id=$name" "data=$kmip/$name/data" "keyspace=$keyspace" "table=$table_name" "${expected[@]}"
        command_line read "id=$name-before" "data=$kmip/$name-before/data" "keyspace=$keyspace" "table=$table_name" \
            expect=failure
    done < <(printf '%s\n' "${kmip_tables[@]}") | batch 5.0 oa
    for name in cbc bare; do
        judge "$name" PyKMIP "$name: rows, hash, verifier with the new key only"
        judge "$name-before" PyKMIP "$name: the copy needs the old key"
        asked "$name: the tool's own verify" 0 verify "${kmip_config[@]}" --data-dir "$kmip/$name/data" -- "3 verified"
    done
}

destroy_key() {
    local data=(--data-dir "$kmip/cbc/data" --data-dir "$kmip/bare/data") copy=(--data-dir "$kmip/bare-before/data")
    asked "destroy: the copy uses the key" 4 keys destroy "${kmip_config[@]}" "${data[@]}" "${copy[@]}" --yes \
        group "$old_key" -- "kmip group/$old_key is in use" "nothing was destroyed"
    asked "destroy: nobody confirms" 2 keys destroy "${kmip_config[@]}" "${data[@]}" group "$old_key" -- \
        "no terminal" "nothing was done"
    server_has "destroy: the key is still there" "$old_key" DEACTIVATED
    asked "destroy" 0 keys destroy "${kmip_config[@]}" "${data[@]}" --yes group "$old_key" -- \
        "no chunk header names it" "destroyed key $old_key of group group"
    server_has "destroy: the key is gone" "$old_key" absent
    asked "destroyed: the copy cannot be read" 6 verify "${kmip_config[@]}" "${copy[@]}" -- \
        "refused Get of $old_key: Item Not Found" "check the id"
    asked "destroyed: the tables can" 0 verify "${kmip_config[@]}" "${data[@]}" -- "6 verified"
}

# First a server that hangs, then one that is not there.
lose_server() {
    local name=bare-before
    node_config "$kmip/short.yaml" "127.0.0.1:$kmip_port" keytool.jks jks trust.jks jks "timeout: 1000"
    local kmip_config=(--config "$kmip/short.yaml") data=(--data-dir "$kmip/cbc/data")
    kill -STOP "$kmip_pid"
    planned "hanging server: plan" 6 $name -- "no answer after 1000 ms"
    asked "hanging server: verify" 6 verify "${kmip_config[@]}" "${data[@]}" -- "no answer after 1000 ms"
    stop_key_server
    check PyKMIP "the server leaves no process behind" "$(processes_with "$kmip/state")" ""
    planned "no server: plan" 6 $name -- "cannot connect: Connection refused" "check that the key server runs"
    asked "no server: verify" 6 verify "${kmip_config[@]}" "${data[@]}" -- "cannot connect: Connection refused"
    asked "no server: keys list" 6 keys list "${kmip_config[@]}" group -- "cannot connect: Connection refused"
    asked "no server: keys test" 6 keys test "${kmip_config[@]}" group -- "FAILED   connection"
}

# processes_with TEXT: those that have it in their command line.
processes_with() {
    local file
    for file in /proc/[0-9]*/cmdline; do
        ! tr '\0' ' ' <"$file" 2>/dev/null | grep -qF -e "$1" || echo "${file//[^0-9]/}"
    done 2>/dev/null
}

# In everything that the tool said, here and in the parts before.
search_for_secrets() {
    printf '%s\n' "$store_password" "$wrong_password" "$(sed -n 2p "$kmip/pki/client.key")" >>"$kmip/secrets"
    check PyKMIP "the search for secrets finds them in the files" \
        "$(grep -lFi -f "$kmip/secrets" "$kmip/hcd.yaml" "$kmip_properties" | wc -l)" 2
    check PyKMIP "no password and no key in any output" \
        "$(grep -rlFi -f "$kmip/secrets" "$kmip/answers" "$work/tool.log" | tr '\n' ' ')" ""
}
