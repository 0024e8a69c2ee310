# Nodes of the part system: what their cassandra.yaml says, under which keys their commit logs and hints are, and how
# the tool is called. Uses scheme and folder of system_cell.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

keystore_password=a-store-and-its-keys

# The old name is longer, so that a header has to be filled up: by more than a small mutation has.
system_old=$(printf 'old-%.0s' {1..50})
system_new=new

# system_yaml NODE ADDRESS CLASS: a small node with all of its files below that folder. An acknowledged write is on disk.
system_yaml() {
    local sync="commitlog_sync: batch"
    # What is synced together is one section.
    ((RANDOM % 3 > 0)) || sync=$'commitlog_sync: group\ncommitlog_sync_group_window: 5ms'
    mkdir -p "$1"
    cat >"$1/cassandra.yaml" <<YAML
cluster_name: interop
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: SimpleSnitch
seed_provider: [{class_name: org.apache.cassandra.locator.SimpleSeedProvider, parameters: [{seeds: 127.0.0.1}]}]
listen_address: $2
rpc_address: $2
num_tokens: 1
auto_bootstrap: false
data_file_directories: [$1/data]
commitlog_directory: $1/commitlog
hints_directory: $1/hints
saved_caches_directory: $1/saved_caches
cdc_raw_directory: $1/cdc_raw
$sync
commitlog_segment_size: 1MiB
cdc_enabled: true
auto_snapshot: false
storage_compatibility_mode: NONE
hinted_handoff_enabled: true
hinted_handoff_throttle: 0KiB
phi_convict_threshold: 5
$(system_encryption "$system_old" "$3")
YAML
}

# system_encryption KEY CLASS: lines of a cassandra.yaml.
system_encryption() {
    local compressor
    case $scheme in
        apache)
            cat <<YAML
transparent_data_encryption_options:
    enabled: true
    chunk_length_kb: 64
    cipher: AES/CBC/PKCS5Padding
    key_alias: $1
    key_provider:
        - class_name: org.apache.cassandra.security.JKSKeyProvider
          parameters:
              - keystore: $folder/keys/store.jceks
                keystore_password: $keystore_password
                store_type: JCEKS
                key_password: $keystore_password
YAML
            return
            ;;
        file) compressor=$(options "$cbc" 256 "$folder/keys/$1") ;;
        server) compressor=$(kmip_options "$cbc" 256) ;;
    esac
    compressor="[{class_name: $2, parameters: [${compressor/\'class\': \'Encryptor\', /}]}]"
    printf 'commitlog_compression: %s\nhints_compression: %s\n' "$compressor" "$compressor"
}

# make_system_keys: the old one and the new one.
make_system_keys() {
    local name
    mkdir -p "$folder/keys/hidden"
    system_properties=$folder/keys/kmip.properties
    touch "$system_properties"
    case $scheme in
        apache)
            for name in "$system_old" "$system_new"; do
                keytool -genseckey -alias "$name" -keyalg AES -keysize 256 -storetype JCEKS \
                    -keystore "$folder/keys/store.jceks" -storepass "$keystore_password" -keypass "$keystore_password" \
                    >>"$work/tool.log" 2>&1
            done
            ;;
        server) cp "$kmip_properties" "$system_properties" ;;
        file) ;; # the node makes the old one, and the tool the new one
    esac
}

# new_system_key NODE...: their operator wants the new key.
new_system_key() {
    local node
    for node in "$@"; do
        case $scheme in
            file) sed -i "s#/keys/$system_old'#/keys/$system_new'#" "$node/cassandra.yaml" ;;
            apache) sed -i "s#key_alias: $system_old#key_alias: $system_new#" "$node/cassandra.yaml" ;;
            server) ;;
        esac
    done
    [[ $scheme != server ]] || sed -i "s/^write.group = .*/write.group = $kmip_new_id/" "$system_properties"
}

# without_old_system_key COMMAND...: what it does then.
without_old_system_key() {
    case $scheme in
        file) mv "$folder/keys/$system_old" "$folder/keys/hidden/" ;;
        apache)
            cp "$folder/keys/store.jceks" "$folder/keys/hidden/"
            keytool -delete -alias "$system_old" -storetype JCEKS -keystore "$folder/keys/store.jceks" \
                -storepass "$keystore_password" >>"$work/tool.log" 2>&1
            ;;
        server) sed -i.hidden "/^$kmip_old_id = /d" "$system_properties" ;;
    esac
    "$@"
    case $scheme in
        file)
            # A node makes what it needs to write.
            rm -f "$folder/keys/$system_old"
            mv "$folder/keys/hidden/$system_old" "$folder/keys/"
            ;;
        apache) mv "$folder/keys/hidden/store.jceks" "$folder/keys/" ;;
        server) mv "$system_properties.hidden" "$system_properties" ;;
    esac
}

# system_node FIELD...: one node from start to end; prints its result line. Uses system_options.
system_node() {
    # A killed one leaves its libraries behind.
    local temporary=$folder/tmp
    mkdir -p "$temporary"
    timeout 300 "$interop/harness" 5.0 system "-Dinterop.kmip=$system_properties" "-Djava.io.tmpdir=$temporary" \
        "${system_options[@]}" -- "$(command_line "$@")" 2>>"$work/harness.log" | grep -aF $'RESULT\t' || true
}

# system_files: the harness's own reader and writer, for the commands on standard input; the output is in $work/results.
system_files() {
    cat >"$work/commands"
    "$interop/harness" 5.0 files "-Dinterop.kmip=$system_properties" <"$work/commands" >"$work/results" 2>>"$work/harness.log" || true
}

# system_fields KEY: what the harness's reader and writer are told of it.
system_fields() {
    case $scheme in
        file) printf 'from=%s\tto=%s' "$folder/keys/$system_old" "$folder/keys/$1" ;;
        apache) printf 'keystore=%s\tpassword=%s\talias=%s' "$folder/keys/store.jceks" "$keystore_password" "$1" ;;
        server) printf 'id=-' ;;
    esac
}

# rekey_node NODE: by the tool, which is told nothing but where the node is, or which keys a server has.
rekey_node() {
    local arguments=(upgradesstables -a)
    if [[ ! -e $1/conf ]]; then
        # As in Apache's archive.
        mkdir -p "$1/conf" "$1/lib"
        ln -s ../cassandra.yaml "$1/conf/cassandra.yaml"
        ln -s "$interop/target/5.0/lib/cassandra-all-$(version 5.0).jar" "$1/lib/apache-cassandra-$(version 5.0).jar"
    fi
    case $scheme in
        file) arguments+=(--create-key) ;;
        server) arguments+=(--kmip-keys "$kmip_keys" --key-id "$kmip_new_id") ;;
    esac
    CASSANDRA_HOME=$1 logged timeout 120 "$tool" "${arguments[@]}"
}

# property NODE NAME: what is written down of the copy.
property() {
    sed -n "s/^$2=//p" "$1/image.properties"
}
