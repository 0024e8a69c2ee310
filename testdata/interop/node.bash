# Real nodes: a table made over CQL, re-encrypted while the node is down, and served again.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

node() {
    node_cells oa 1
    node_cells da 2
}

# node_command SUBJECT WHAT COMMAND FIELD=VALUE...: one node from start to drain; leaves its result line in
# node_result and scores it.
node_command() {
    local subject=$1 what=$2
    shift 2
    node_result=$(timeout 300 "$interop/harness" 5.0 node "-Dinterop.kmip=$kmip_properties" -- \
        "$(command_line "$@")" 2>>"$work/harness.log" | grep -F RESULT) || true
    if [[ $(field "$node_result" status) == ok ]]; then
        pass "$subject" "$what"
    else
        fail "$subject" "$what" "${node_result:-no result, see the log}"
    fi
}

# node_cells FORMAT SSTABLES
node_cells() {
    local format=$1 sstables=$2 subject="5.0 node $1"
    local folder=$work/node-$1
    local old_key=$folder/keys/old new_key=$folder/keys/new
    mkdir -p "$folder/keys"

    step "node, $format: create the table, write, flush, drain"
    node_command "$subject" "create and write by CQL" create "folder=$folder/created" "format=$format" rows=1000 "sstables=$sstables" \
        "compression=$(options "$cbc" 256 "$old_key" 16)"
    local old
    old=$(field "$node_result" left)
    local expected=("rows=$(field "$node_result" rows)" "hash=$(field "$node_result" hash)" "sstables=$sstables")

    step "node, $format: re-encrypt, start again without the old key"
    cp -a "$folder/created" "$folder/swapped"
    if rekey 5.0 "$folder/swapped/data" "$(options "$cbc" 256 "$new_key")"; then
        pass "$subject" "re-encrypted"
    else
        fail "$subject" "re-encrypted" "exit code, see the log"
    fi
    serve "$subject" "serves all rows after the swap" "$folder/swapped" "$format" "$old_key"
    node_has new "$subject" "only new SSTables"

    # How a node starts does not depend on the format, and the offline cut-offs have both. One SSTable, for the
    # reason given there.
    [[ $format == oa ]] || return 0
    step "node, $format: start after runs cut off before and after COMMIT"
    cut_off_copies "$folder"
    serve_cut_off "$subject" before "$folder" "$format" "$new_key" old
    serve_cut_off "$subject" after "$folder" "$format" "$old_key" new
}

# serve SUBJECT WHAT NODE_FOLDER FORMAT KEY_TO_HIDE: starts the node without that key. Uses expected.
serve() {
    [[ ! -e $5 ]] || mv "$5" "$5.hidden"
    node_command "$1" "$2" serve "folder=$3" "format=$4" "${expected[@]}"
    [[ ! -e $5.hidden ]] || mv "$5.hidden" "$5"
}

# node_has old|new SUBJECT WHAT: what node_result says of the SSTables in use, and that no log is left. Uses old.
node_has() {
    local left
    left=$(field "$node_result" left)
    if [[ $1 == old ]]; then
        check "$2" "$3" "$left" "$old"
    elif [[ -n $left ]] && disjoint "$left" "$old"; then
        pass "$2" "$3"
    else
        fail "$2" "$3" "it uses $left, the old ones were $old"
    fi
    check "$2" "$3, no logs" "$(field "$node_result" logs)" 0
}

# serve_cut_off SUBJECT before|after FOLDER FORMAT KEY_TO_HIDE old|new
serve_cut_off() {
    if [[ ! -e $3/$2 ]]; then
        fail "$1" "cut off $2 COMMIT" "no cut-off reached that state"
        return
    fi
    serve "$1" "cut off $2 COMMIT: serves all rows" "$3/$2" "$4" "$5"
    node_has "$6" "$1" "cut off $2 COMMIT: only $6 SSTables"
}

# cut_off_copies FOLDER: makes two node folders by killing runs at one point after the other. "before" has
# all files of the new SSTable in place and nothing committed; "after" has lost some files of the old one. Each
# is made where it stays, since the log's paths are absolute. Uses old and new_key.
cut_off_copies() {
    local folder=$1 before='' after=''
    cp -a "$folder/created" "$folder/after"
    each_point remember_point || true
    mv "$folder/after" "$folder/before"
    cp -a "$folder/created" "$folder/after"
    kill_again before "$before" undecided
    kill_again after "$after" committed
}

# remember_point CALL N: a point of each_point. Keeps the last one of its kind in before or after.
remember_point() {
    kill_copy after "$1" "$2" || return
    case $(state_of_copy after) in
        undecided) before="$1 $2" ;;
        committed) after="$1 $2" ;;
    esac
}

# kill_again NAME POINT STATE: kills a run at a point that led to that state before.
kill_again() {
    # shellcheck disable=SC2086 # a point is two words
    if [[ -z $2 ]] || ! kill_copy "$1" $2 || [[ $(state_of_copy "$1") != "$3" ]]; then
        rm -rf "${folder:?}/$1"
    fi
}

state_of_copy() {
    swap_state "$(table_folder "$folder/$1/data")" "$old"
}

# kill_copy NAME CALL N: the status is that of killed_at. Only the data is put back before each run; the
# commit log is large and the tool does not use it.
kill_copy() {
    rm -rf "${folder:?}/$1/data"
    cp -a "$folder/created/data" "$folder/$1/data"
    rekey_command 5.0 "$folder/$1/data" "$(options "$cbc" 256 "$new_key")"
    killed_on_one_cpu_at "$2" "$3" "${rekey_argv[@]}"
}
