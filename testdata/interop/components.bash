# Which components a node can do without, and which wrong lists it accepts: the tool has to agree with every release,
# and what it writes from such an SSTable has to be complete.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

# variant NAME SOURCE loads|lost COMMAND: the command damages an SSTable in its folder. "loads" is what a node and the
# tool must do with it, "lost" what neither may.
declare -A variant_source variant_expected variant_command
variants=()
variant() {
    variants+=("$1")
    variant_source[$1]=$2 variant_expected[$1]=$3 variant_command[$1]=$4
}

variants_of() {
    variants=()
    variant whole encrypted loads true
    variant no-Statistics encrypted lost 'rm -- *-Statistics.db'
    variant no-CompressionInfo encrypted lost 'rm -- *-CompressionInfo.db'
    variant no-CompressionInfo-no-TOC encrypted lost 'rm -- *-CompressionInfo.db *-TOC.txt'
    variant no-CompressionInfo-listed-not encrypted lost \
        'rm -- *-CompressionInfo.db; sed -i /CompressionInfo/d -- *-TOC.txt'
    if [[ $1 == da ]]; then
        variant no-Partitions encrypted lost 'rm -- *-Partitions.db'
        variant no-Rows encrypted lost 'rm -- *-Rows.db'
    else
        variant no-Index encrypted lost 'rm -- *-Index.db'
        variant no-Summary encrypted loads 'rm -- *-Summary.db'
    fi
    variant no-Filter encrypted loads 'rm -- *-Filter.db'
    variant no-Digest encrypted loads 'rm -- *-Digest.crc32'
    variant no-TOC encrypted loads 'rm -- *-TOC.txt'
    variant TOC-of-an-index-alone encrypted loads 'echo SAI+aa+by_n+Meta.db >"$(echo *-TOC.txt)"'
    variant TOC-with-a-dropped-index plain loads 'echo SI_by_n.db >>"$(echo *-TOC.txt)"'
    variant TOC-of-nothing encrypted loads ': >"$(echo *-TOC.txt)"'
    variant TOC-without-CompressionInfo encrypted loads 'sed -i /CompressionInfo/d -- *-TOC.txt'
    variant TOC-with-lines-twice encrypted loads 'cat -- *-TOC.txt >twice; cat twice >>"$(echo *-TOC.txt)"; rm twice'
}

components() {
    local pair
    # The others (4.0 nb, 4.1 nb) have passed, too.
    for pair in "5.0 oa" "5.0 da" "3.11 me"; do
        # shellcheck disable=SC2086
        components_of $pair
    done
}

# components_of RELEASE FORMAT
components_of() {
    local folder=$work/components source name line rows hash
    step "Cassandra $(version "$1") $2: missing components and lists that are wrong"
    rm -rf "$folder"
    mkdir -p "$folder" "$work/keys"
    for source in encrypted plain; do
        command_line write "id=write $source" "data=$folder/$source" "keyspace=$keyspace" "table=$table_name" rows=200 \
            sstables=1 "compression=$([[ $source == plain ]] || options "$cbc" 256 "$work/keys/components" 16)"
        command_line read "id=read $source" "data=$folder/$source" "keyspace=$keyspace" "table=$table_name"
    done | batch "$1" "$2"
    line=$(result "read encrypted")
    rows=$(field "$line" rows) hash=$(field "$line" hash)
    variants_of "$2"
    for name in "${variants[@]}"; do
        cp -a "$folder/${variant_source[$name]}" "$folder/$name"
        (cd "$(table_folder "$folder/$name")" && eval "${variant_command[$name]}")
        # A node rebuilds files: it gets its own copy.
        cp -a "$folder/$name" "$folder/$name.node"
        line=lost
        rekey "$1" "$folder/$name" "$(options "$cbc" 256 "$work/keys/components.$name" 16)" && line=loads
        check "$1 $2 $name" "the tool" "$line" "${variant_expected[$name]}"
        [[ $line == lost ]] ||
            check "$1 $2 $name" "the new list" "$(new_list "$folder/$name")" "$(what_is_there "$folder/$name")"
    done
    for name in "${variants[@]}"; do
        command_line read "id=$name node" "data=$folder/$name.node" "keyspace=$keyspace" "table=$table_name" as=node \
            "rows=$rows" "hash=$hash" "expect=$([[ ${variant_expected[$name]} == loads ]] || echo failure)"
        [[ ${variant_expected[$name]} == lost ]] || command_line read "id=$name tool" "data=$folder/$name" \
            "keyspace=$keyspace" "table=$table_name" as=node "rows=$rows" "hash=$hash" sstables=1
    done | batch "$1" "$2"
    for name in "${variants[@]}"; do
        judge "$name node" "$1 $2 $name" "a node, ${variant_expected[$name]}"
        [[ ${variant_expected[$name]} == lost ]] && continue
        judge "$name tool" "$1 $2 $name" "a node, after the tool"
    done
}

# new_list DATA and what_is_there DATA: components of the one SSTable, by its list and by its files.
new_list() {
    sort <"$(echo "$(table_folder "$1")"/*-TOC.txt)" | paste -sd' ' -
}

what_is_there() {
    find "$(table_folder "$1")" -maxdepth 1 -name '*-*-*-*' -printf '%f\n' | sed 's/.*-//' | sort | paste -sd' ' -
}
