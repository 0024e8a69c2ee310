# A KMIP server for as long as a part needs one, what it says of its keys itself, and what the tool says of it.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

wrong_password=wrong-horse-8461

# What only programs call a fault: names of types and of libraries, places in sources.
type_names='CaUsedAsEndEntity|InvalidCertificate|UnknownIssuer|UnknownCA|CertificateUnknown|BadCertificate|HandshakeFailure'
type_names+='|NotValidForName|AlertReceived|rustls|webpki|x509:|Error ?\{|Some\(|Err\(|Ok\(|[a-z_]::[A-Za-z]|\.(rs|go):[0-9]'

# begin_part NAME FOLDER START: certificates, stores and a server, which START starts; NAME is what the table calls it.
begin_part() {
    judged_by=$1 kmip=$work/$2
    mkdir -p "$kmip/answers"
    answers=0
    step "$judged_by: certificates, stores, server"
    quietly make_pki
    quietly make_stores
    "$3"
    node_config "$kmip/hcd.yaml" "127.0.0.1:$kmip_port" keytool.jks jks trust.jks jks "timeout: 20000"
    kmip_config=(--config "$kmip/hcd.yaml")
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

# start_key_server COMMAND...: sets kmip_port and kmip_pid. The server reads from a pipe that this shell alone holds,
# so it ends with the run however that ends.
start_key_server() {
    local word=''
    coproc key_server { exec "$@" 2>"$kmip/server.errors"; }
    kmip_pid=$key_server_PID
    read -r -t 60 word kmip_port <&"${key_server[0]}" || true
    [[ $word == PORT ]] || die "$judged_by did not start: $(cat "$kmip/server.errors")"
}

# stop_key_server: returns when the server has ended.
stop_key_server() {
    [[ -n ${kmip_pid:-} ]] || return 0
    kill -CONT "$kmip_pid" 2>/dev/null || true
    kill -TERM "$kmip_pid" 2>/dev/null || true
    wait "$kmip_pid" 2>/dev/null || true
    kmip_pid=
}

# kmip_client WHAT ARGUMENT...: the other side's client, which each part names: create, get, state, ids.
kmip_client() {
    timeout 60 "${key_client[@]}" "$kmip_port" "$kmip/pki" "$@" 2>>"$kmip/client.log"
}

# new_server_key NAME: by the other side's client; its id is in made_key.
new_server_key() {
    made_key=$(kmip_client create 256 "$1") || die "$judged_by's client made no key, see $kmip/client.log"
}

# server_has WHAT ID STATE: what the other side's client says of the key.
server_has() {
    check "$judged_by" "$1" "$(kmip_client state "$2")" "$3"
}

# harness_knows ID: the other side's client fetches the key, and the database writes with it.
harness_knows() {
    local hex
    hex=$(kmip_client get "$1") || die "$judged_by's client got no key, see $kmip/client.log"
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

# asked WHAT EXIT_CODE ARGUMENT... [-- TEXT...]: calls the tool, without a terminal, and scores it: its exit code, that
# it says each of the texts, and that a failure is told in words. What it said is in answer, and kept for the search
# for secrets.
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
    if ((code != 0)) && ! in_words "$answer"; then
        fail "$judged_by" "$what" "it has '$(grep -oE "$type_names" <<<"$answer" | head -n 1)', which only programs say: $answer"
        return
    fi
    pass "$judged_by" "$what"
}

# in_words TEXT: it has none of the type_names.
in_words() {
    ! grep -qE "$type_names" <<<"$1"
}

# planned WHAT EXIT_CODE TABLE ARGUMENT... [-- TEXT...]
planned() {
    local what=$1 code=$2 name=$3
    shift 3
    asked "$what" "$code" plan "${kmip_config[@]}" --data-dir "$kmip/$name/data" --flavor apache-4 \
        --compression "${kmip_map[${name%-before}]}" "$@"
}

# upgraded WHAT EXIT_CODE TABLE ARGUMENT... [-- TEXT...]
upgraded() {
    local what=$1 code=$2 name=$3
    shift 3
    asked "$what" "$code" upgradesstables -a "${kmip_config[@]}" --data-dir "$kmip/$name/data" --flavor apache-4 \
        --compression "${kmip_map[$name]}" "$@"
}

# key_made: the id of the key that the last call made.
key_made() {
    sed -n 's|^note: made a new key: kmip group/||p' <<<"$answer"
}

# files_of FOLDER: changes with everything below it.
files_of() {
    find "$1" -printf '%P %s %i %T@\n' | LC_ALL=C sort | sha256sum
}

# processes_with TEXT: those that have it in their command line.
processes_with() {
    local file
    for file in /proc/[0-9]*/cmdline; do
        ! tr '\0' ' ' <"$file" 2>/dev/null | grep -qF -e "$1" || echo "${file//[^0-9]/}"
    done 2>/dev/null
}
