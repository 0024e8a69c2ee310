# Key stores that the keytool and the openssl of this machine make now, and not those that were committed once.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

stores() {
    step "key stores of every kind, made by $(openssl version) and Java $(java_version)"
    if ! command -v cargo >/dev/null; then
        echo "skipped: what reads them is a test, and cargo is not here"
        return
    fi
    local folder=$work/keystores workspace=$interop/../..
    if ! logged "$interop/../keystores/make" "$folder"; then
        fail stores "made" "exit code, see the log"
        return
    fi
    pass stores "made"
    # Its own tests, on the new ones: what each holds, what Java sees in it, what must be refused, damage. One package
    # alone would be built with other features.
    if (cd "$workspace" && REKEY_KEYSTORES=$folder logged cargo test --locked --workspace --test keystore); then
        pass stores "read, judged by Java, damage noticed"
    else
        fail stores "read, judged by Java, damage noticed" "exit code, see the log"
    fi
}

java_version() {
    java -version 2>&1 | sed -n 's/.*version "\(.*\)".*/\1/p'
}
