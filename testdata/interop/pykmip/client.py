"""Keys by PyKMIP's own client, as the other side's word on what the server holds.

    client.py PORT PKI create BITS NAME     makes an active AES key and prints its id
    client.py PORT PKI get ID               prints the key in hex
    client.py PORT PKI state ID             prints its state, or "absent"
    client.py PORT PKI ids                  prints all ids, with spaces

PKI has client.pem (with its issuers), client.key and ca.pem.
"""

import os
import sys
import warnings
from pathlib import Path

warnings.simplefilter("ignore")

from kmip.core import enums  # noqa: E402
from kmip.pie.client import ProxyKmipClient  # noqa: E402
from kmip.pie.exceptions import KmipOperationFailure  # noqa: E402


def create(client: ProxyKmipClient, bits: str, name: str) -> str:
    key = client.create(enums.CryptographicAlgorithm.AES, int(bits), name=name)
    client.activate(key)
    return key


def get(client: ProxyKmipClient, key: str) -> str:
    return client.get(key).value.hex()


def state(client: ProxyKmipClient, key: str) -> str:
    try:
        _, attributes = client.get_attributes(key, ["State"])
    except KmipOperationFailure as failure:
        if failure.reason == enums.ResultReason.ITEM_NOT_FOUND:
            return "absent"
        raise
    return attributes[0].attribute_value.value.name


def ids(client: ProxyKmipClient) -> str:
    return " ".join(client.locate())


def main() -> None:
    port, pki, what, *arguments = sys.argv[1:]
    folder = Path(pki)
    client = ProxyKmipClient(
        hostname="127.0.0.1",
        port=int(port),
        cert=str(folder / "client.pem"),
        key=str(folder / "client.key"),
        ca=str(folder / "ca.pem"),
        ssl_version="PROTOCOL_TLSv1_2",
        config_file=os.devnull,  # and not the one in somebody's home
    )
    with client:
        print({"create": create, "get": get, "state": state, "ids": ids}[what](client, *arguments))


main()
