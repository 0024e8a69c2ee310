# Killing a run of the tool at a chosen point, and telling how far it came.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

# The calls that make a change durable or visible, by what they do; a name with ? may be missing on this
# machine. strace counts each call and each thread for itself, so each has its own series of points.
call_kinds=(write fsync fdatasync '?rename' '?renameat' renameat2 '?link' linkat '?unlink' unlinkat utimensat)
most_points=500

# killed_at CALL N COMMAND...: runs it and kills it as a thread is about to make its Nth CALL. True if it was
# killed, 1 if it ended by itself before, 2 if it failed.
killed_at() {
    local call=$1 n=$2 code=0
    shift 2
    echo "killing at $call $n" >>"$work/tool.log"
    # In a subshell, because the shell reports a killed child on its own standard error; with an exit after the
    # child, or the shell would let it take the subshell's place and still be reported.
    (
        strace -f -qq -o /dev/null -e "trace=$call" -e signal=none \
            -e "inject=$call:signal=SIGKILL:when=$n" "$@" >>"$work/tool.log" 2>&1 || exit "$?"
    ) 2>/dev/null || code=$?
    case $code in
        0) return 1 ;;
        137) return 0 ;;
        *) return 2 ;;
    esac
}

# killed_on_one_cpu_at CALL N COMMAND...: the same where the tool sees one processor, has one worker, and so
# passes every point in one order.
killed_on_one_cpu_at() {
    local call=$1 n=$2 cpu
    shift 2
    cpu=$(taskset -cp $$)
    cpu=${cpu##*: }
    killed_at "$call" "$n" taskset -c "${cpu%%[-,]*}" "$@"
}

# each_point FUNCTION: calls FUNCTION CALL N for N = 1, 2, ... until it says 1, for every kind of call. A 2 ends
# it at once.
each_point() {
    local point_call point_n status
    for point_call in "${call_kinds[@]}"; do
        for ((point_n = 1; point_n <= most_points; point_n++)); do
            status=0
            "$1" "$point_call" "$point_n" || status=$?
            ((status != 2)) || return 2
            ((status == 0)) || break
        done
    done
}

# swap_state TABLE_FOLDER OLD_STEMS: how far a killed run came.
#   untouched   no log, only old SSTables
#   logged      a log without COMMIT, no file of a new SSTable yet
#   undecided   logs without COMMIT, files of a new SSTable
#   committed   files of old SSTables, all of which a log with COMMIT removes
#   mixed       a log with COMMIT, and an old SSTable that no such log removes
#   decided     a log with COMMIT, no file of an old SSTable any more
#   done        no log, some new SSTable
swap_state() {
    local logs=() committed=() old=() new=0 name stem
    for name in "$1"/*; do
        [[ -f $name ]] || continue
        stem=${name##*/}
        stem=${stem%-*}
        if [[ $name == *.log ]]; then
            logs+=("$name")
            ! grep -q '^COMMIT' "$name" || committed+=("$name")
        elif [[ ,$2, == *",$stem,"* ]]; then
            old+=("$stem")
        else
            new=1
        fi
    done
    if ((${#logs[@]} == 0)); then
        if ((new)); then echo "done"; else echo untouched; fi
    elif ((${#committed[@]} == 0)); then
        if ((new)); then echo undecided; else echo logged; fi
    elif ((${#old[@]} == 0)); then
        echo decided
    else
        for stem in "${old[@]}"; do
            grep -q "^REMOVE:.*/$stem-\?," "${committed[@]}" || { echo mixed; return; }
        done
        echo committed
    fi
}
