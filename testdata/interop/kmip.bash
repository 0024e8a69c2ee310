# The tool and a real KMIP server: PyKMIP, which is independent of this project. It holds no dates, no custom attributes
# and no cipher modes, and has no Add Attribute, so the checks include what the tool says of a server that cannot serve
# the database.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

kmip() {
    build_pykmip
    begin_part PyKMIP kmip start_pykmip

    # The harness gets the server's keys, and not those of the other parts.
    local kmip_properties=$kmip/kmip.properties
    # The database's usual cipher, and the one that a key of this server can be for.
    local kmip_tables=("cbc oa" "bare da")
    local -A kmip_map=([cbc]=$(kmip_options "$cbc" 256 16) [bare]=$(kmip_options AES 256 16)) kmip_source kmip_expected
    write_under_server_keys
    test_stores 6
    step "PyKMIP: keys"
    test_connection 6
    list_keys "$old_key old AES Active n/a DATE n/a n/a 256" "key group $old_key ['old'] AES 256 Active None None None None"
    choose_key
    create_key
    retire_key
    rekey_tables
    read_under_new_keys
    step "PyKMIP: destroying the old key, losing the server"
    destroy_key bare-before absent "refused Get of $old_key: Item Not Found" "check the id"
    lose_server bare-before
    search_for_secrets
}

# What the connection doctor says of every connection that PyKMIP accepts, and what it misses in it.
pykmip_connected=(
    "ok       TLS                  TLSv1.3"
    "ok       server certificate   server (localhost, 127.0.0.1), issued by inter"
    "ok       client certificate   asked for, and accepted"
    "ok       KMIP version         1.4"
    "FAILED   Query                PyKMIP 0.11.0 Software Server; it does not list Add Attribute, object type Symmetric Key"
    "cure: the database does not start with such a server"
    "ok       Locate"
)

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

create_key() {
    local before
    before=$(files_of "$kmip/cbc")
    upgraded "create: refused for AES/CBC" 6 cbc --create-key -- \
        "the key server refused Create: Invalid Field (7): The Cryptographic Parameters attribute is unsupported"
    check PyKMIP "create: refused, no key made" "$(kmip_client ids)" "$old_key"
    check PyKMIP "create: refused, nothing written" "$(files_of "$kmip/cbc")" "$before"

    upgraded "create: a key for AES, and re-encrypted" 0 bare --create-key -- "made a new key: kmip group/" \
        "3 rewritten, read back and swapped in"
    created_key=$(key_made)
    server_has "create: the key is active" "$created_key" ACTIVE
    # Neither has a date, and so the order is the server's own: the newest first.
    planned "plan: two keys without dates" 0 bare-before -- "target: Encryptor, AES 256 bits, kmip group/$created_key" \
        "the first of 2 keys that the database finds" "then the server's own order" "not $old_key: fits"
}

retire_key() {
    asked "expire: nobody confirms" 2 keys expire "${kmip_config[@]}" group "$old_key" -- "no terminal" "nothing was done"
    asked "expire: the server cannot" 6 keys expire "${kmip_config[@]}" group "$old_key" --yes -- \
        "the key server refused Add Attribute of $old_key: Invalid Message (4)"
    keep_active "$created_key"
    revoke_key --force
    planned "plan: the database takes the new key now" 0 bare-before -- \
        "target: Encryptor, AES 256 bits, kmip group/$created_key" "the only key that the database finds" "3 of 3 SSTables to rewrite"
}

rekey_tables() {
    new_server_key new
    new_keys=("$created_key" "$made_key")
    upgraded "re-encrypted from the revoked key" 0 cbc --key-id "$made_key" -- "3 rewritten, read back and swapped in"
    rekeyed
}
