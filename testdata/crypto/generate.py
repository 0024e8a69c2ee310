#!/usr/bin/env python3
"""Writes openssl.txt: messages sealed by the openssl command line, which shares no code with us.

    cd testdata/crypto && ./generate.py > openssl.txt
"""

import subprocess
import zlib

KEYS = {
    128: "000102030405060708090a0b0c0d0e0f",
    192: "101112131415161718191a1b1c1d1e1f2021222324252627",
    256: "303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
}
IV = "f0e1d2c3b4a5968778695a4b3c2d1e0f"


def pattern(length):
    return bytes((i * 31 + (i >> 8) * 7 + 5) & 0xFF for i in range(length))


def seal(bits, mode, plain, *options):
    iv = ["-iv", IV] if mode == "cbc" else []
    command = ["openssl", "enc", "-e", f"-aes-{bits}-{mode}", "-K", KEYS[bits], *iv, *options]
    return subprocess.run(command, input=plain, capture_output=True, check=True).stdout


def record(name, bits, mode, **fields):
    print(f"\n[{name} AES-{bits}-{mode.upper()}]")
    print(f"cipher = AES/{mode.upper()}/PKCS5Padding")
    print(f"key = {KEYS[bits]}")
    print(f"iv = {IV if mode == 'cbc' else ''}".rstrip())
    for field, value in fields.items():
        print(f"{field} = {value}".rstrip())


version = subprocess.run(["openssl", "version"], capture_output=True, text=True).stdout
print(f"# Made by generate.py with {' '.join(version.split()[:2])} (`openssl enc`).")
print("# plain, sealed: hex. pattern: that many bytes, byte i = i * 31 + (i >> 8) * 7 + 5 mod 256.")
print("# sealed_crc32 and sealed_tail: CRC-32 and the last 32 bytes of a long ciphertext.")
print("# expect: ok, or decrypt where the text is sealed by this key but its padding is wrong.")

for bits in KEYS:
    for mode in ("cbc", "ecb"):
        for name, length in (("empty", 0), ("one byte", 1), ("full but one", 15), ("block", 16),
                             ("block and one", 17), ("nine blocks", 144)):
            plain = pattern(length)
            record(name, bits, mode, expect="ok", plain=plain.hex(),
                   sealed=seal(bits, mode, plain).hex())
        for length in (4096, 65536, 262144 + 3):
            sealed = seal(bits, mode, pattern(length))
            record(f"{length} bytes", bits, mode, expect="ok", pattern=length,
                   sealed_crc32=f"{zlib.crc32(sealed):08x}", sealed_tail=sealed[-32:].hex())
        for name, end in (("count 0", bytes(16)), ("count 17", bytes([17] * 16)),
                          ("count 255", bytes([255] * 16)),
                          ("one of two wrong", pattern(14) + bytes([1, 2])),
                          ("first of sixteen wrong", bytes([15]) + bytes([16] * 15)),
                          ("middle of sixteen wrong", bytes([16] * 7 + [17] + [16] * 8))):
            for before in (0, 32):
                sealed = seal(bits, mode, pattern(before) + end, "-nopad")
                record(f"{name} after {before}", bits, mode, expect="decrypt", sealed=sealed.hex())
