"""PyKMIP's server for one run.

    server.py PKI STATE

PKI has server.pem (with its issuers), server.key and ca.pem; STATE, a folder that exists, gets the
database and the log. A free port of the loopback is taken and printed as `PORT <number>` when
connections are accepted. The server ends when its standard input ends or on SIGTERM, so it cannot
outlive the run that holds the other end of the pipe.
"""

import os
import signal
import socket
import ssl
import sys
import threading
import warnings
from pathlib import Path

warnings.simplefilter("ignore")  # of cryptography, about ciphers that are not used here

from kmip.services import auth  # noqa: E402
from kmip.services.server import KmipServer  # noqa: E402


class CurrentTls(auth.TLS12AuthenticationSuite):
    """TLS 1.2 and 1.3 with OpenSSL's own suites.

    PyKMIP's suite is TLS 1.2 alone, with CBC, and with GCM for ECDSA certificates only.
    """

    protocol = ssl.PROTOCOL_TLS_SERVER
    ciphers = ""


def configured(pki: Path, state: Path) -> KmipServer:
    policies = state / "policies"
    policies.mkdir()
    server = KmipServer(
        config_path=None,
        hostname="127.0.0.1",
        port=5696,
        certificate_path=str(pki / "server.pem"),
        key_path=str(pki / "server.key"),
        ca_path=str(pki / "ca.pem"),
        auth_suite="TLS1.2",
        enable_tls_client_auth=True,
        policy_path=str(policies),
        database_path=str(state / "keys.sqlite"),
        log_path=str(state / "server.log"),
        logging_level="INFO",  # DEBUG would write keys into the log
    )
    server.auth_suite = CurrentTls()
    # Past the check, which refuses what asks the system for a free port.
    server.config.settings["port"] = 0
    return server


def main() -> None:
    server = configured(*map(Path, sys.argv[1:]))
    server.start()

    def end(*_: object) -> None:
        # Two processes of its own, which would outlive it and hold its pipes.
        for stop in (server.policy_monitor.terminate, server.manager.shutdown):
            try:
                stop()
            except Exception as error:
                print(f"ending: {error!r}", file=sys.stderr)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)

    def end_with_input() -> None:
        sys.stdin.buffer.read()
        end()

    threading.Thread(target=end_with_input, daemon=True).start()

    # PyKMIP's own loop would install its own handlers, which wait for ten seconds.
    listener = server._socket
    listener.listen(16)
    print("PORT", listener.getsockname()[1], flush=True)
    while True:
        try:
            server._setup_connection_handler(*listener.accept())
        except socket.timeout:
            pass


main()
