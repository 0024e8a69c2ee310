# Shared by run and make-sstables: builds the harness, writes its commands, reads its results.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

interop=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# The Maven profile of a release; the default profile is 5.0.
profile() {
    case $1 in
        5.0) ;;
        4.1) echo -Pc41 ;;
        4.0) echo -Pc40 ;;
        3.11) echo -Pc311 ;;
        *) die "no such release: $1" ;;
    esac
}

# The exact version of a release, as pinned in the pom.
version() {
    local jar
    jar=$(compgen -G "$interop/target/$1/lib/cassandra-all-*.jar") || die "release $1 is not built"
    jar=${jar##*/cassandra-all-}
    echo "${jar%.jar}"
}

die() {
    echo "interop: $*" >&2
    exit 1
}

step() {
    printf '\n== %s (%d s)\n' "$*" "$SECONDS"
}

# Compiles the harness for the releases and collects their jars, unless that has been done. Runs wait for each other.
build() {
    local release program lock
    mkdir -p "$interop/target"
    exec {lock}>"$interop/target/lock"
    flock "$lock"
    for program in java mvn; do
        command -v "$program" >/dev/null || die "$program is needed; install Java 17 and Maven"
    done
    for release in "$@"; do
        local stamp=$interop/target/$release.built
        if [[ -e $stamp && -z $(find "$interop/src" "$interop/pom.xml" -newer "$stamp" -print -quit) ]]; then
            continue
        fi
        step "building the harness for Cassandra $release"
        # shellcheck disable=SC2046 # no profile means no argument
        (cd "$interop" && mvn -q -B -Dstyle.color=never $(profile "$release") package)
        touch "$stamp"
    done
    exec {lock}>&-
}

# options CIPHER BITS KEY_FILE [CHUNK_KB]: a compression map with a local key file.
options() {
    printf "{'class': 'Encryptor', 'cipher_algorithm': '%s', 'secret_key_strength': '%s', " "$1" "$2"
    printf "'key_provider': 'LocalFileSystemKeyProviderFactory', 'secret_key_file': '%s'" "$3"
    chunk_length "${4:-}"
}

# kmip_options CIPHER BITS [CHUNK_KB]: a compression map with the KMIP key header.
kmip_options() {
    printf "{'class': 'Encryptor', 'cipher_algorithm': '%s', 'secret_key_strength': '%s', " "$1" "$2"
    printf "'key_provider': 'KmipKeyProviderFactory', 'kmip_host': 'group'"
    chunk_length "${3:-}"
}

chunk_length() {
    [[ -z $1 ]] || printf ", 'chunk_length_in_kb': '%s'" "$1"
    printf '}'
}

# random_hex BYTES
random_hex() {
    head -c "$1" /dev/urandom | od -An -v -tx1 | tr -d ' \n'
}

# command_line NAME FIELD=VALUE...: one line for the harness.
command_line() {
    local IFS=$'\t'
    printf '%s\n' "$*"
}

# field RESULT_LINE NAME: a value of a result line.
field() {
    local part
    while IFS= read -r -d $'\t' part || [[ -n $part ]]; do
        if [[ $part == "$2="* ]]; then
            printf '%s' "${part#"$2="}"
            return
        fi
    done <<<"$1"
}
