# Certificates for a KMIP server and its clients, in stores by the real openssl and keytool.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

store_password=right-horse-8461

# Both are called by quietly, in a shell of their own.

# make_pki: root, intermediate, a server's and two clients' certificates, and a client without a
# trusted issuer.
make_pki() {
    local name
    mkdir -p "$kmip/pki"
    cd "$kmip/pki" || return
    for name in root inter server client; do ec_key $name; done
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out client-rsa.key
    openssl req -x509 -new -key root.key -days 30 -subj "/CN=Interop Root" -out root.pem
    signed inter root "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign"
    signed server inter "extendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost,IP:127.0.0.1"
    # PyKMIP takes the client's name from its certificate, and asks for this usage. Both clients are one.
    signed client inter "extendedKeyUsage=clientAuth" node
    signed client-rsa inter "extendedKeyUsage=clientAuth" node
    for name in server client client-rsa; do cat inter.pem >>$name.pem; done
    cat root.pem inter.pem >ca.pem
    ec_key stranger
    openssl req -x509 -new -key stranger.key -days 30 -subj "/CN=node" -out stranger.pem
}

ec_key() {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"
}

# signed NAME ISSUER EXTENSIONS [COMMON_NAME]: NAME.pem for NAME.key.
signed() {
    openssl req -new -key "$1.key" -subj "/CN=${4:-$1}" -out "$1.csr"
    certified "$1" "$2" "$3"
}

# certified NAME ISSUER EXTENSIONS: NAME.pem for NAME.csr.
certified() {
    openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days 30 -sha256 \
        -extfile <(printf '%b\n' "$3") -out "$1.pem"
}

# make_stores: in $kmip/stores, all with the one password.
make_stores() {
    mkdir -p "$kmip/stores"
    umask 077
    export LC_ALL=C.UTF-8 # keytool takes its arguments in the locale's encoding
    cd "$kmip/stores" || return
    local pki=$kmip/pki

    exported openssl.p12 client -certfile "$pki/root.pem"
    exported openssl-legacy.p12 client -legacy
    exported openssl-rsa.p12 client-rsa
    exported stranger.p12 stranger
    openssl pkcs8 -topk8 -in "$pki/client.key" -passout "pass:$store_password" -out client.enc
    cat client.enc "$pki/client.pem" >client.pem

    imported keytool.p12 PKCS12
    imported java8.p12 PKCS12 -J-Dkeystore.pkcs12.legacy
    imported keytool.jks JKS
    generated generated.jks JKS
    generated generated.p12 PKCS12

    openssl pkcs12 -export -nokeys -in "$pki/ca.pem" -passout "pass:$store_password" -out trust-openssl.p12
    trusted trust.jks JKS
    trusted trust.p12 PKCS12
    make_clear_stores
}

# make_clear_stores: those of PEM without a password, which need no program.
make_clear_stores() {
    mkdir -p "$kmip/stores"
    umask 077
    cat "$kmip/pki/client.key" "$kmip/pki/client.pem" >"$kmip/stores/clear.pem"
    cp "$kmip/pki/ca.pem" "$kmip/stores/trust.pem"
}

# exported FILE CLIENT OPTION...: a PKCS#12 file by openssl.
exported() {
    local file=$1 client=$kmip/pki/$2
    shift 2
    openssl pkcs12 -export -name node -inkey "$client.key" -in "$client.pem" -passout "pass:$store_password" "$@" \
        -out "$file"
}

# imported FILE TYPE OPTION...: what openssl exported, imported by keytool.
imported() {
    local file=$1 type=$2
    shift 2
    keytool "$@" -importkeystore -noprompt -srckeystore openssl.p12 -srcstoretype PKCS12 -srcstorepass "$store_password" \
        -destkeystore "$file" -deststoretype "$type" -deststorepass "$store_password"
}

# generated FILE TYPE: a key that keytool made, with the certificate that it asked for. Such a key is without its
# public part.
generated() {
    local own=(-alias node -keystore "$1" -storetype "$2" -storepass "$store_password") pki=$kmip/pki
    keytool -genkeypair "${own[@]}" -keypass "$store_password" -keyalg EC -groupname secp256r1 -dname CN=node
    keytool -certreq "${own[@]}" -file "$pki/$1.csr"
    (cd "$pki" && certified "$1" inter "extendedKeyUsage=clientAuth" && cat inter.pem root.pem >>"$1.pem")
    keytool -importcert -noprompt "${own[@]}" -file "$pki/$1.pem"
}

# trusted FILE TYPE: a truststore by keytool.
trusted() {
    keytool -importcert -noprompt -alias root -file "$kmip/pki/root.pem" \
        -keystore "$1" -storetype "$2" -storepass "$store_password"
}

# node_config FILE HOSTS KEYSTORE KEYSTORE_TYPE TRUSTSTORE TRUSTSTORE_TYPE [LINE...]: an hcd.yaml with the one group
# that the tables name.
node_config() {
    local file=$1
    (
        umask 077
        cat >"$file" <<YAML
kmip_hosts:
    group:
        hosts: $2
        keystore_path: $kmip/stores/$3
        keystore_type: $4
        keystore_password: $store_password
        truststore_path: $kmip/stores/$5
        truststore_type: $6
        truststore_password: $store_password
YAML
        shift 6
        (($# == 0)) || printf '        %s\n' "$@" >>"$file"
    )
}

# Store and type of the client, store and type of its trust, and what is said about them.
store_pairs=(
    "keytool.jks jks trust.jks jks"
    "keytool.p12 pkcs12 trust.p12 pkcs12"
    "generated.jks jks trust.p12 pkcs12"
    "generated.p12 pkcs12 trust.jks jks"
    "java8.p12 pkcs12 trust.jks jks"
    "openssl.p12 pkcs12 trust-openssl.p12 pkcs12"
    "openssl-legacy.p12 pkcs12 trust-openssl.p12 pkcs12"
    "openssl-rsa.p12 pkcs12 trust.pem pem"
    "client.pem pem trust.pem pem"
    "clear.pem pem trust.p12 pkcs12"
    "keytool.p12 jks trust.jks pkcs12"
)

# test_stores EXIT_CODE: each pair connects, and the doctor says what is in connected.
test_stores() {
    local pair keystore type trust trust_type notes
    step "$judged_by: ${#store_pairs[@]} pairs of stores by openssl and keytool"
    for pair in "${store_pairs[@]}"; do
        read -r keystore type trust trust_type <<<"$pair"
        node_config "$kmip/stores.yaml" "127.0.0.1:$kmip_port" "$keystore" "$type" "$trust" "$trust_type" "timeout: 20000"
        # What Java would not see is said.
        notes=()
        [[ $trust != trust-openssl.p12 ]] || notes+=("Java")
        asked "$keystore, $trust" "$1" keys test --config "$kmip/stores.yaml" group -- \
            "${connected[@]}" "${notes[@]}"
    done
    # The last pair: Java opens both by the other's type.
    check "$judged_by" "$keystore, $trust: by either type" "$(grep -c '^note:' <<<"$answer")" 0
}
