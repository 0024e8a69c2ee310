# Runs that are killed in the middle, at every point in turn, and what the database does with the rest.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

# With one SSTable on one processor, every step is a point. With several at the same time the points are
# random; that must not lose a row either.
cutoff() {
    cutoff_of 5.0 oa 1 killed_on_one_cpu_at
    # The logs of these have the form of those of 5.0 oa.
    if [[ -z $thin ]]; then
        cutoff_of 5.0 da 1 killed_on_one_cpu_at
        cutoff_of 4.1 nb 1 killed_on_one_cpu_at
        cutoff_of 4.0 nb 1 killed_on_one_cpu_at
    fi
    cutoff_of 3.11 me 1 killed_on_one_cpu_at
    cutoff_of 5.0 oa 3 killed_at
}

# cutoff_of RELEASE FORMAT SSTABLES KILLED_AT
cutoff_of() {
    local release=$1 format=$2 sstables=$3 killed_at=$4 subject="$1 $2 cut off, SSTables: $3"
    local folder=$work/cutoff/$1-$2-$3
    local old_key=$folder/keys/old new_key=$folder/keys/new
    step "killing runs at every point, Cassandra $(version "$release"), $format, SSTables: $sstables"
    mkdir -p "$folder/keys"
    {
        command_line write id=write "data=$folder/0" "keyspace=$keyspace" "table=$table_name" rows=300 "sstables=$sstables" \
            "compression=$(options "$cbc" 256 "$old_key" 16)"
        command_line read id=read "data=$folder/0" "keyspace=$keyspace" "table=$table_name"
    } | batch "$release" "$format"
    judge read "$subject" "written"
    local before
    before=$(result read)
    local old
    old=$(field "$before" left)
    local expected=("rows=$(field "$before" rows)" "hash=$(field "$before" hash)" "sstables=$sstables")

    local states=() points=() last=0
    if ! each_point cut_off_copy; then
        fail "$subject" "runs that are not killed succeed" "exit code, see the log"
        return
    fi
    echo "$last points: $(printf '%s\n' "${states[@]}" | sort | uniq -c | tr -s ' \n' ' ')"

    [[ $release != 5.0 ]] || run_again "$subject" "$format" "$folder" "$last" "$old" "${expected[@]}"

    local n starting=() reading=()
    for ((n = 1; n <= last; n++)); do
        starting+=("names $n")
        reading+=("cleanup $n" "read $n")
    done
    for ((n = 1; n <= last; n++)); do
        command_line names "id=names $n" "data=$folder/$n"
        command_line cleanup "id=cleanup $n" "data=$folder/$n" "keyspace=$keyspace" "table=$table_name" verdict=true logs=0
        command_line read "id=read $n" "data=$folder/$n" "keyspace=$keyspace" "table=$table_name" "${expected[@]}"
    done | batch "$release" "$format"
    judge_all "$subject" "a node would start after each of $last" "${starting[@]}"
    judge_all "$subject" "cleanup and reading after each of $last" "${reading[@]}"

    ((sstables == 1)) || return 0
    matching_key "$subject" "before COMMIT, old key only" "$release" "$format" "$folder" undecided "$new_key"
    matching_key "$subject" "after COMMIT, new key only" "$release" "$format" "$folder" committed "$old_key"
}

# cut_off_copy CALL N: a point of each_point. Makes the next copy of the source and kills a run on it. Uses folder,
# release, old, new_key and killed_at, and adds to states, points and last.
cut_off_copy() {
    local copy=$folder/$((last + 1))
    cp -a "$folder/0" "$copy"
    rekey_command "$release" "$copy" "$(options "$cbc" 256 "$new_key")"
    local status=0
    "$killed_at" "$1" "$2" "${rekey_argv[@]}" || status=$?
    if ((status != 0)); then
        rm -rf "$copy"
        return "$status"
    fi
    last=$((last + 1))
    states[last]=$(swap_state "$(table_folder "$copy")" "$old")
    points[last]="$1 $2"
}

# judge_all SUBJECT WHAT ID...: one score for many commands of the last batch. Each id ends with the number of
# the copy. Uses states and points.
judge_all() {
    local subject=$1 what=$2 id line bad=''
    shift 2
    for id in "$@"; do
        line=$(result "$id")
        [[ $(field "$line" status) == ok ]] ||
            bad+="${points[${id##* }]}, ${states[${id##* }]}: ${line:-no result for $id}; "
    done
    if [[ -z $bad && $# -gt 0 ]]; then
        pass "$subject" "$what"
    else
        fail "$subject" "$what" "${bad:-the tool was never killed}"
    fi
}

# matching_key SUBJECT WHAT RELEASE FORMAT FOLDER STATE OTHER_KEY: among the cleaned-up folders, one whose
# swap was in that state must be readable with the other key file gone, in full. Uses states, old, expected, last.
matching_key() {
    local chosen='' n left
    for ((n = 1; n <= last; n++)); do
        [[ ${states[$n]} == "$6" ]] || continue
        left=$(stems "$(table_folder "$5/$n")")
        if [[ $6 == undecided && $left == "$old" ]] || { [[ $6 == committed ]] && disjoint "$left" "$old"; }; then
            chosen=$n
        fi
    done
    if [[ -z $chosen ]]; then
        fail "$1" "$2" "no cut-off in state $6 that left only SSTables of one side"
        return
    fi
    mv "$7" "$7.hidden"
    command_line read "id=read" "data=$5/$chosen" "keyspace=$keyspace" "table=$table_name" "${expected[@]}" |
        batch "$3" "$4"
    mv "$7.hidden" "$7"
    judge read "$1" "$2"
}

# run_again SUBJECT FORMAT FOLDER LAST OLD EXPECTED...: the tool itself, run once more on a copy of each killed run, has
# to finish the work, or to refuse and leave every file where it was.
run_again() {
    local subject=$1 format=$2 folder=$3 last=$4 old=$5 n before refused=0 bad='' ids=() id
    shift 5
    for ((n = 1; n <= last; n++)); do
        # The log's paths are absolute, so the copy takes the place of the original.
        mv "$folder/$n" "$folder/keep"
        cp -a "$folder/keep" "$folder/$n"
        before=$(ls "$(table_folder "$folder/$n")")
        if rekey 5.0 "$folder/$n" "$(options "$cbc" 256 "$folder/keys/new")"; then
            ids+=("again $n")
            disjoint "$(stems "$(table_folder "$folder/$n")")" "$old" || bad+="old SSTables left at ${points[n]}; "
            [[ -z $(leftovers "$folder/$n") ]] || bad+="leftovers at ${points[n]}: $(leftovers "$folder/$n"); "
        else
            refused=$((refused + 1))
            [[ $(ls "$(table_folder "$folder/$n")") == "$before" ]] || bad+="refused at ${points[n]} but changed files; "
        fi
        mv "$folder/$n" "$folder/again-$n"
        mv "$folder/keep" "$folder/$n"
    done
    check "$subject" "tool again after each of $last, $refused refused" "$bad" ""
    for id in "${ids[@]}"; do
        command_line read "id=$id" "data=$folder/${id/ /-}" "keyspace=$keyspace" "table=$table_name" "$@"
    done | batch 5.0 "$format"
    judge_all "$subject" "reading after that" "${ids[@]}"
}
