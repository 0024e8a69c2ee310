# Snapshots and backups, hard links as the database makes them: re-encrypted with their table or after it, restored
# into an empty table, and read by the release that wrote them, with the new key alone.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

archives() {
    mkdir -p "$work/archives" "$work/keys"
    archived "5.0 oa" together --snapshots --backups
    archived "5.0 da" together --snapshots --backups
    archived "5.0 nb" later --snapshots --backups
    archived "3.11 me" later --snapshots --backups
}

# archived "RELEASE FORMAT" together|later FLAG...
archived() {
    local release=${1% *} format=${1#* } when=$2 name="archives ${1/ /-} $2"
    local folder="$work/archives/${1/ /-}-$2" keys="$work/keys/archives-${1/ /-}"
    shift 2
    step "$name"
    {
        command_line write "id=write $name" "data=$folder/data" "keyspace=$keyspace" "table=$table_name" \
            rows=300 blob=200 "compression=$(options "$cbc" 256 "$keys.old" 16)"
        command_line read "id=read $name" "data=$folder/data" "keyspace=$keyspace" "table=$table_name"
    } | batch "$release" "$format"
    local read table archive target
    read=$(result "read $name")
    table=$(table_folder "$folder/data")
    for archive in snapshots/first snapshots/second backups; do
        mkdir -p "$table/$archive"
        find "$table" -maxdepth 1 -type f -exec ln -t "$table/$archive" {} +
    done
    echo '{"files":[]}' >"$table/snapshots/first/manifest.json"

    target=$(options "$cbc" 256 "$keys.new" 16)
    [[ $when == together ]] || archive_run "$release" "$folder/data" "$target"
    archive_run "$release" "$folder/data" "$target" "$@"
    check "$name" "files of archives, each once" "$(distinct "$table/backups" "$table"/snapshots/*)" \
        "$(distinct "$table/backups")"
    [[ $when == later ]] ||
        check "$name" "shared with live ones" "$(distinct "$table" "$table/backups")" "$(distinct "$table")"
    check "$name" "the manifest" "$(cat "$table/snapshots/first/manifest.json")" '{"files":[]}'
    check "$name" "nothing is left" "$(find "$folder/data" -path '*/.sstablerekey/*' ! -path '*/reports*' ! -name rewritten -printf '%P')" ""

    rm -f "$keys.old"
    for archive in snapshots/first snapshots/second backups; do
        local restored="$folder/${archive//\//-}/$keyspace/${table##*/}"
        mkdir -p "$restored"
        cp -a "$table/$archive/." "$restored"
        rm -f "$restored/manifest.json"
        command_line read "id=$name $archive" "data=$folder/${archive//\//-}" "keyspace=$keyspace" \
            "table=$table_name" "rows=$(field "$read" rows)" "hash=$(field "$read" hash)" sstables=3
    done | batch "$release" "$(newest_format "$release")"
    for archive in snapshots/first snapshots/second backups; do
        judge "$name $archive" "$name" "$archive restored: rows, hash, verifier"
    done
}

# archive_run RELEASE DATA TARGET_OPTIONS FLAG...
archive_run() {
    local argv=("$tool" upgradesstables -a --create-key --data-dir "$2" --compression "$3"
        --flavor "$(flavor "$1")" "${@:4}" "$keyspace" "$table_name")
    logged timeout 120 "${argv[@]}" || fail "archives of $1" "made by the tool" "exit code, see the log"
}

# distinct FOLDER...: how many files the Data.db names in these folders refer to.
distinct() {
    find "$@" -maxdepth 1 -name '*-Data.db' -printf '%i\n' | sort -u | wc -l
}
