# PyKMIP: its environment, its server and its client.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

# The environment is kept beside the jars and recreated when the requirements change.
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

# See server.py and client.py.
start_pykmip() {
    connected=("${pykmip_connected[@]}")
    mkdir -p "$kmip/state"
    key_client=("$pykmip_python" "$interop/pykmip/client.py")
    start_key_server "$pykmip_python" "$interop/pykmip/server.py" "$kmip/pki" "$kmip/state"
}
