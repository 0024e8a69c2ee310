# Runs batches of the harness and keeps the score.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

passed=0
failed=0
table=()

# pass SUBJECT WHAT and fail SUBJECT WHAT WHY: one thing that was checked. The table has the beginning of
# the reason, the whole of it is printed when it happens.
pass() {
    passed=$((passed + 1))
    table+=("$(printf '%-28s %-50s ok' "$1" "$2")")
}

fail() {
    failed=$((failed + 1))
    table+=("$(printf '%-28s %-50s FAILED: %.60s' "$1" "$2" "$3")")
    echo "FAILED $1, $2: $3"
}

# check SUBJECT WHAT FOUND EXPECTED
check() {
    if [[ $3 == "$4" ]]; then pass "$1" "$2"; else fail "$1" "$2" "found '$3', expected '$4'"; fi
}

# batch RELEASE FORMAT: runs the commands on standard input, leaves the output in $work/results.
# What the database logs goes to $work/harness.log.
batch() {
    cat >"$work/commands"
    "$interop/harness" "$1" "$2" "-Dinterop.kmip=$kmip_properties" \
        <"$work/commands" >"$work/results" 2>>"$work/harness.log" || true
}

# result ID: the result line of a command of the last batch; empty if the JVM ended before it.
result() {
    grep -F $'RESULT\tid='"$1"$'\t' "$work/results" || true
}

# judge ID SUBJECT WHAT: scores one command of the last batch.
judge() {
    local line
    line=$(result "$1")
    if [[ $(field "$line" status) == ok ]]; then
        pass "$2" "$3"
    else
        fail "$2" "$3" "${line:-no result, see the log}"
    fi
}

summary() {
    step "results"
    printf '%s\n' "${table[@]}"
    if ((failed > 0)); then
        echo
        echo "last lines of the tool's and of the harness's log:"
        tail -n 30 "$work/tool.log" "$work/harness.log" 2>/dev/null || true
    fi
    echo
    echo "$passed passed, $failed failed"
    ((failed == 0))
}
