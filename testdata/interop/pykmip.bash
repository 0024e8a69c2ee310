# PyKMIP: its environment, its server for as long as the run needs one, and its client.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

# The environment is kept beside the jars and made anew when the requirements change.
build_pykmip() {
    local folder=$interop/target/pykmip requirements=$interop/pykmip/requirements.txt
    pykmip_python=$folder/bin/python
    if [[ -x $pykmip_python ]] && cmp -s "$requirements" "$folder/built-from"; then
        return
    fi
    command -v python3 >/dev/null || die "python3 is needed for PyKMIP; install Python 3.10 or later"
    step "installing PyKMIP"
    rm -rf "$folder"
    python3 -m venv "$folder" || die "python3 makes no virtual environment; install python3-venv"
    "$folder/bin/pip" install -q --disable-pip-version-check -r "$requirements" || die "PyKMIP cannot be installed"
    cp "$requirements" "$folder/built-from"
}

# start_pykmip PKI STATE: sets kmip_port and kmip_pid. The server reads from a pipe that this shell alone holds,
# so it ends with the run however that ends.
start_pykmip() {
    local word='' pki=$1 state=$2
    mkdir -p "$state"
    coproc pykmip { exec "$pykmip_python" "$interop/pykmip/server.py" "$pki" "$state" 2>"$state/errors"; }
    kmip_pid=$pykmip_PID
    read -r -t 60 word kmip_port <&"${pykmip[0]}" || true
    [[ $word == PORT ]] || die "PyKMIP's server did not start: $(cat "$state/errors")"
}

# stop_key_server: returns when the server has ended.
stop_key_server() {
    [[ -n ${kmip_pid:-} ]] || return 0
    kill -CONT "$kmip_pid" 2>/dev/null || true
    kill -TERM "$kmip_pid" 2>/dev/null || true
    wait "$kmip_pid" 2>/dev/null || true
    kmip_pid=
}

# kmip_client WHAT ARGUMENT...: see client.py.
kmip_client() {
    timeout 60 "$pykmip_python" "$interop/pykmip/client.py" "$kmip_port" "$kmip/pki" "$@" 2>>"$kmip/client.log"
}
