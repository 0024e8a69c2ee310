# The tables of the part schema: as commands for a node of 5.0, and what the tool is to say of them. Uses format, server,
# key and new_id of schema_cell.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

# chain COMPRESSOR MAP: the map with that before its encryption.
chain() {
    printf '%s' "${2/\'Encryptor\'/\'Encrypting${1}Compressor\'}"
}

# schema_map TABLE FILE: the options of a table: four classes, three ciphers. The key is of that file, or of one beside it.
schema_map() {
    case $1 in
        own.encryptor | own.gone | own.again-before) options "$cbc" 256 "$2" 16 ;;
        own.chain) chain LZ4 "$(options "$cbc" 128 "$2" 32)" ;;
        'own."MixedCase"') chain Deflate "$(options DESede/CBC/PKCS5Padding 168 "$2-apart" 64)" ;;
        own.again) options AES/CFB/NoPadding 192 "$2" 64 ;;
        own.by_n) chain Snappy "$(options "$cbc" 256 "$2" 16)" ;;
        vault.one) kmip_options "$cbc" 256 16 ;;
        vault.two) chain LZ4 "$(kmip_options "$cbc" 256 32)" ;;
        own.clear) echo "{'class': 'LZ4Compressor', 'chunk_length_in_kb': '16'}" ;;
    esac
}

# Tables that are altered, in the order of the alphabet, and those that are filled, too.
altered_tables=('own."MixedCase"' own.again own.by_n own.chain own.encryptor)
filled_tables=(own.encryptor own.chain 'own."MixedCase"' own.again own.clear)

# schema_alter TABLE FILE: what an operator writes.
schema_alter() {
    local kind=TABLE
    [[ $1 != own.by_n ]] || kind="MATERIALIZED VIEW"
    echo "ALTER $kind $1 WITH compression = $(schema_map "$1" "$2")"
}

# cql STATEMENT
cql() {
    command_line cql "statement=$1"
}

# create_table TABLE [OPTIONS_OF]: not compacted, so that the SSTables are those that were flushed.
create_table() {
    local columns="pk text, ck int, n int, v blob, PRIMARY KEY (pk, ck)"
    local compaction="{'class': 'SizeTieredCompactionStrategy', 'enabled': 'false'}"
    cql "CREATE TABLE $1 ($columns) WITH compaction = $compaction AND compression = $(schema_map "${2:-$1}" "$key/old")"
}

# A view has options of its own, an index those of its table.
create_view() {
    local all="n IS NOT NULL AND pk IS NOT NULL AND ck IS NOT NULL"
    cql "CREATE INDEX by_index ON own.encryptor (n)"
    cql "CREATE MATERIALIZED VIEW own.by_n AS SELECT * FROM own.encryptor WHERE $all PRIMARY KEY (n, pk, ck) WITH \
compression = $(schema_map own.by_n "$key/old")"
}

# create_keyspace NAME
create_keyspace() {
    cql "CREATE KEYSPACE $1 WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}"
}

# fill_tables FROM ROWS [TABLE...]: all of them, if none is named.
fill_tables() {
    local table from=$1 count=$2
    shift 2
    if (($# == 0)); then
        set -- "${filled_tables[@]}"
        [[ -z $server ]] || set -- "$@" vault.one vault.two
    fi
    for table in "$@"; do command_line fill "table=$table" "from=$from" "rows=$count"; done
    flush_tables
}

flush_tables() {
    command_line flush keyspace=own
    [[ -z $server ]] || command_line flush keyspace=vault
}

# Queries that see each table whole, the view, and the index.
schema_queries() {
    local table
    for table in "${filled_tables[@]}" own.by_n; do echo "SELECT * FROM $table"; done
    echo "SELECT * FROM own.encryptor WHERE n = 3"
    [[ -z $server ]] || printf 'SELECT * FROM %s\n' vault.one vault.two
}

# read_tables [again]: with that, it has to be what was read last.
read_tables() {
    local query
    while read -r query; do
        case ${1:-} in
            again) command_line read "id=again" "query=$query" "rows=${rows[$query]}" "hash=${hash[$query]}" ;;
            *) command_line read "id=$query" "query=$query" ;;
        esac
    done < <(schema_queries)
}

# remember_rows: what the last node has read last.
remember_rows() {
    local query line
    while read -r query; do
        line=$(result "$query")
        rows[$query]=$(field "$line" rows) hash[$query]=$(field "$line" hash)
    done < <(schema_queries)
}

# judge_options: the node itself says that each SSTable has the options of its table.
judge_options() {
    command_line options id=own keyspace=own
    [[ -z $server ]] || command_line options id=vault keyspace=vault
}

# option MAP NAME: a value.
option() {
    sed -n "s/.*'$2': '\([^']*\)'.*/\1/p" <<<"$1"
}

# What the tables are to be when they were altered to keys of FILE, or have the server's key: a line for each, as
# encrypted_sstables prints them.
expected_sstables() {
    local table map
    {
        for table in "${altered_tables[@]}"; do
            map=$(schema_map "$table" "$1")
            sstable_line "$table" "$map" "$(option "$map" secret_key_file)"
            [[ $table != own.encryptor ]] || sstable_line own.encryptor.by_index "$map" "$(option "$map" secret_key_file)"
        done
        [[ -z $server ]] || for table in vault.one vault.two; do
            sstable_line "$table" "$(schema_map "$table")" "$new_id"
        done
    } | LC_ALL=C sort
}

# sstable_line TABLE MAP KEY
sstable_line() {
    echo "${1//\"/} $(option "$2" class) $(option "$2" chunk_length_in_kb) $(option "$2" cipher_algorithm)" \
        "$(option "$2" secret_key_strength) ${3##*/}"
}

# What the SSTables of the last plan --json are, those that are encrypted: each different line once.
encrypted_sstables() {
    python3 -c '
import json, os, sys
lines = set()
for line in map(json.loads, sys.stdin):
    now = line.get("current")
    if not now or "keys" not in now:
        continue
    names = [key["key"].get("id") or os.path.basename(key["key"]["file"]) for key in now["keys"]]
    facts = [line["table"], now["class"], now["chunk_length"] // 1024, now["cipher"], now["strength"], *names]
    lines.add(" ".join(map(str, facts)))
print("\n".join(sorted(lines)))
' <"$kmip/answers/$answers" 2>&1
}

# target_lines FILE: what a plan says of each target.
target_lines() {
    local table class kib cipher bits name
    while read -r table class kib cipher bits name; do
        case $table in
            vault.*) echo "target: $class, $cipher $bits bits, kmip group/$name" ;;
            *) echo "target: $class, $cipher $bits bits, file $key/$name $cipher:$bits" ;;
        esac
    done < <(expected_sstables "$1")
}
