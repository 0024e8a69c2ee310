# Hints of the part system: one node keeps them for another that is down, and delivers them when both are back.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

# hint_cell: uses scheme, seeds and seed. Each seed is a file, closed at some moment; the last one is torn.
hint_cell() {
    local sender=$folder/sender peer=$folder/peer class=EncryptingLZ4Compressor encrypted=no
    # Of itself no 5.0 encrypts hints by Apache's options.
    [[ $scheme != apache ]] || encrypted=yes
    step "system, $scheme: $seeds files of hints"
    system_yaml "$sender" 127.0.0.1 "$class"
    system_yaml "$peer" 127.0.0.2 "$class"
    local system_options=("-Dcassandra.storage_port=$(free_storage_port)" -Dcassandra.ring_delay_ms=5000)
    write_hints
    check "$subject" "files of hints" "$(find "$sender/hints" -name '*.hints' | wc -l)" "$seeds"
    digest_hints before
    [[ -n $thin ]] || hints_without_key
    new_system_key "$sender" "$peer"
    rekey_hints
    digest_hints after
    check "$subject" "the same hints" "$(cat "$folder/hints.after")" "$(cat "$folder/hints.before")"
    without_old_system_key deliver_hints 90
    if [[ $(field "$delivered" status) == ok ]]; then
        pass "$subject" "every hint is delivered, $(field "$delivered" acknowledged) rows"
    else
        fail "$subject" "every hint is delivered" "${delivered:-no result, see the log}"
    fi
}

rekey_hints() {
    if rekey_node "$sender" && rekey_node "$peer"; then
        pass "$subject" "re-encrypted, with hints"
    else
        fail "$subject" "re-encrypted, with hints" "exit code, see the log"
    fi
}

# A port that is free on both addresses.
free_storage_port() {
    python3 -c '
import socket
while True:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        try:
            two.bind(("127.0.0.2", one.getsockname()[1]))
        except OSError:
            continue
        print(one.getsockname()[1])
        break
'
}

# write_hints: the sender makes the tables on both, kills its peer, writes, and kills itself.
write_hints() {
    local sender_job peer_job
    system_node hint "folder=$sender" "peer=$peer" address=127.0.0.2 "seed=$seed" "files=$seeds" "encrypted=$encrypted" \
        >>"$work/tool.log" &
    sender_job=$!
    # The first node of a ring is the one that the others ask.
    wait_started "$sender" "$sender_job" || return 0
    system_node serve "folder=$peer" >>"$work/tool.log" &
    peer_job=$!
    wait "$sender_job"
    end_node "$peer" "$peer_job"
}

# deliver_hints SECONDS: both start; sets delivered, the peer's result.
deliver_hints() {
    local sender_job
    delivered=
    rm -f "$sender/started" "$peer/started"
    system_node serve "folder=$sender" >>"$work/tool.log" &
    sender_job=$!
    if ! wait_started "$sender" "$sender_job"; then
        delivered=$'RESULT\tstatus=the sender did not start'
        return 0
    fi
    delivered=$(system_node deliver "folder=$peer" "ledger=$sender/ledger" \
        "acknowledged=$(property "$sender" acknowledged)" "seconds=$1")
    end_node "$sender" "$sender_job"
}

# hints_without_key: a control. Without the commit logs, which would be noticed before, and with nodes that write under the
# new key. With copies, since a node moves a file of hints away that it cannot read.
hints_without_key() {
    local node
    for node in "$sender" "$peer"; do
        cp -a "$node" "$node.kept"
        rm -rf "$node/commitlog" "$node/cdc_raw"
        new_system_key "$node"
    done
    without_old_system_key deliver_hints 25
    check "$subject" "control: hints are not delivered without the old key" "$(field "$delivered" status)" failed
    for node in "$sender" "$peer"; do
        rm -rf "$node"
        mv "$node.kept" "$node"
    done
}

# wait_started NODE JOB: false if it ends instead.
wait_started() {
    while [[ ! -e $1/started ]]; do
        kill -0 "$2" 2>/dev/null || return 1
        sleep 0.1
    done
}

# end_node NODE JOB
end_node() {
    [[ ! -e $1/started ]] || kill -9 "$(cat "$1/started")" 2>/dev/null || true
    wait "$2"
}

# digest_hints before|after: what the harness's own reader sees.
digest_hints() {
    command_line digest id=hints "folder=$sender/hints" "$(system_fields "$system_new")" | system_files
    cp "$work/results" "$folder/hints.$1"
}
