# Every form of chunks to every other: real releases write the sources, the tool makes the targets, and the
# same releases read them.
# shellcheck shell=bash disable=SC2154 # some variables come from the files sourced before

# form NAME: the compression map of a form; a key file of its own where it encrypts.
form() {
    case $1 in
        none) echo "{'enabled': 'false'}" ;;
        LZ4 | Snappy | Deflate | Zstd | Noop) echo "{'class': '${1}Compressor', 'chunk_length_in_kb': '16'}" ;;
        Encryptor) options "$cbc" 256 "$work/keys/form" 16 ;;
        # In chunks as long as the pieces of CRC.db.
        Encryptor64) options "$cbc" 256 "$work/keys/form" 64 ;;
        Encrypting*) options "$cbc" 256 "$work/keys/form" 16 | sed "s/'Encryptor'/'${1}Compressor'/" ;;
        *) options "${1%:*}" "${1#*:}" "$work/keys/form" 16 ;;
    esac
}

all_forms=(none LZ4 Snappy Deflate Zstd Noop Encryptor EncryptingLZ4 EncryptingSnappy EncryptingDeflate)
# Cassandra 3.11 has no Zstd and no Noop.
old_forms=(none LZ4 Snappy Deflate Encryptor EncryptingLZ4 EncryptingSnappy EncryptingDeflate)

cipher_forms() {
    local name mode
    for name in AES:256 AES:192 DES:56 DESede:112 DESede:168 Blowfish:128 Blowfish:448 RC2:40 RC2:128; do
        echo "$name"
        for mode in ECB CBC CFB OFB PCBC; do
            echo "${name%:*}/$mode/PKCS5Padding:${name#*:}"
        done
    done
    echo AES/CFB/NoPadding:128
    echo AES/OFB/NoPadding:256
}

directions() {
    local -A form_rows form_hash
    # Two of them with an empty chunk after the data, as compactions leave it.
    direction_cells "5.0 oa" "${all_forms[*]} Encryptor64" "${all_forms[*]} Encryptor64" flushes=1
    direction_cells "5.0 da" "${all_forms[*]}" "${all_forms[*]}"
    direction_cells "5.0 nb" "${all_forms[*]}" "${all_forms[*]}"
    direction_cells "3.11 me" "${old_forms[*]}" "${old_forms[*]}" flushes=2
    mapfile -t ciphers < <(cipher_forms)
    direction_cells "5.0 oa" "$(every_other 0 "${ciphers[@]}")" Encryptor
    direction_cells "5.0 oa" Encryptor "$(every_other 1 "${ciphers[@]}")"
    echo "$direction_count directions"
}

direction_count=0

# every_other FIRST FORM...: all of them; each second one in a thin run, which has each cipher in one direction.
every_other() {
    local first=$1 position=0 form chosen=()
    shift
    for form in "$@"; do
        [[ -n $thin ]] && (((position + first) % 2)) || chosen+=("$form")
        position=$((position + 1))
    done
    echo "${chosen[*]}"
}

# is_thinned_out FROM TO: by their positions. A thin run has each third pair, and so each form several times
# on each side.
is_thinned_out() {
    [[ -n $thin ]] && ((($1 + $2) % 3))
}

# direction_cells "RELEASE FORMAT" SOURCES TARGETS [FIELD=VALUE], which goes to the writer.
direction_cells() {
    local release=${1% *} format=${1#* } from to folder=$work/directions cells=()
    step "Cassandra $(version "$release") $format: from $(wc -w <<<"$2") forms to $(wc -w <<<"$3")"
    rm -rf "$folder"
    mkdir -p "$folder"
    for from in $2; do
        command_line write "id=write $from" "data=$folder/${from//\//-}" "keyspace=$keyspace" \
            "table=$table_name" rows=300 blob=200 "compression=$(form "$from")" "${4:-flushes=0}"
        command_line read "id=read $from" "data=$folder/${from//\//-}" "keyspace=$keyspace" "table=$table_name"
    done | batch "$release" "$format"
    for from in $2; do
        form_rows[$from]=$(field "$(result "read $from")" rows)
        form_hash[$from]=$(field "$(result "read $from")" hash)
        [[ -n ${form_rows[$from]} ]] || fail "$1 $from" "written by the release" "no rows, see the log"
    done
    local sources targets at_from at_to
    read -ra sources <<<"$2"
    read -ra targets <<<"$3"
    for at_from in "${!sources[@]}"; do
        for at_to in "${!targets[@]}"; do
            from=${sources[at_from]} to=${targets[at_to]}
            [[ $from != "$to" ]] || continue
            # Where one side has a single form, each pair is the only one of its other form.
            ((${#sources[@]} == 1 || ${#targets[@]} == 1)) || ! is_thinned_out "$at_from" "$at_to" || continue
            direct "$release" "$folder" "$from" "$to" && cells+=("$from>$to")
        done
    done
    local cell
    for cell in "${cells[@]}"; do
        from=${cell%>*} to=${cell#*>}
        command_line read "id=$cell" "data=$folder/${from//\//-}>${to//\//-}" "keyspace=$keyspace" \
            "table=$table_name" "rows=${form_rows[$from]}" "hash=${form_hash[$from]}" sstables=3
    done | batch "$release" "$(newest_format "$release")"
    for cell in "${cells[@]}"; do
        judge "$cell" "$1 $cell" "rows, hash, verifier"
    done
}

# direct RELEASE FOLDER FROM TO: a copy of the source becomes the target.
direct() {
    direction_count=$((direction_count + 1))
    local data="$2/${3//\//-}>${4//\//-}" argv
    cp -a "$2/${3//\//-}" "$data"
    argv=("$tool" upgradesstables -a --data-dir "$data" --compression "$(form "$4")" --flavor "$(flavor "$1")")
    case $4 in
        none | LZ4 | Snappy | Deflate | Zstd | Noop) argv+=(--decrypt) ;;
        *) argv+=(--create-key) ;;
    esac
    logged timeout 120 "${argv[@]}" "$keyspace" "$table_name" && return
    fail "$1 $3>$4" "made by the tool" "exit code, see the log"
    return 1
}
