// A KMIP server for one run, on the kmip-go toolkit.
//
//	kmipgo PKI STATES
//
// PKI has server.pem (with its issuers), server.key and ca.pem. A free port of the loopback is taken and
// printed as "PORT <number>" when connections are accepted. After each change STATES has a line for each
// key: its id, state and dates, and no bytes of it: what the server itself says, for the judge. The server
// ends when its standard input ends, so it cannot outlive the run that holds the other end of the pipe.
//
// Wire format, TLS and dispatch are the toolkit's; here is what a server keeps, by KMIP 1.4.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"

	"github.com/ovh/kmip-go"
	"github.com/ovh/kmip-go/kmipserver"
)

func main() {
	if err := serve(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(pki, states string) error {
	certificate, err := tls.LoadX509KeyPair(filepath.Join(pki, "server.pem"), filepath.Join(pki, "server.key"))
	if err != nil {
		return err
	}
	authorities := x509.NewCertPool()
	pem, err := os.ReadFile(filepath.Join(pki, "ca.pem"))
	if err != nil {
		return err
	}
	authorities.AppendCertsFromPEM(pem)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("PORT", listener.Addr().(*net.TCPAddr).Port)
	secured := tls.NewListener(listener, &tls.Config{
		Certificates: []tls.Certificate{certificate},
		ClientCAs:    authorities,
		ClientAuth:   tls.RequireAndVerifyClientCert,
		MinVersion:   tls.VersionTLS12,
	})
	executor := kmipserver.NewBatchExecutor()
	executor.SetSupportedProtocolVersions(kmip.V1_4, kmip.V1_3, kmip.V1_2, kmip.V1_1, kmip.V1_0)
	(&store{states: states}).route(executor)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	return kmipserver.NewServer(secured, executor).Serve()
}
