package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/ovh/kmip-go"
	"github.com/ovh/kmip-go/kmipserver"
)

// serve listens until its standard input ends or SIGTERM comes, so it cannot outlive the run that holds the other
// end of the pipe. PKI has server.pem (with its issuers), server.key and ca.pem, which vouches for the clients. A
// free port of the loopback is taken and printed as `PORT <number>` when connections are accepted.
func serve(pki string) error {
	certificate, err := tls.LoadX509KeyPair(filepath.Join(pki, "server.pem"), filepath.Join(pki, "server.key"))
	if err != nil {
		return err
	}
	authorities, err := os.ReadFile(filepath.Join(pki, "ca.pem"))
	if err != nil {
		return err
	}
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM(authorities)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{certificate},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    clients,
	})
	if err != nil {
		return err
	}
	endWithInput()
	fmt.Println("PORT", listener.Addr().(*net.TCPAddr).Port)
	return kmipserver.NewServer(listener, routes(&store{})).Serve()
}

// endWithInput ends the process at once: the keys are in memory only.
func endWithInput() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-signals
		os.Exit(0)
	}()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
}

// routes is the library's executor with the store's operations.
func routes(keys *store) *kmipserver.BatchExecutor {
	executor := kmipserver.NewBatchExecutor()
	route(executor, keys, kmip.OperationCreate, keys.create)
	route(executor, keys, kmip.OperationLocate, keys.locate)
	route(executor, keys, kmip.OperationGet, keys.get)
	route(executor, keys, kmip.OperationGetAttributes, keys.getAttributes)
	route(executor, keys, kmip.OperationAddAttribute, keys.addAttribute)
	route(executor, keys, kmip.OperationModifyAttribute, keys.modifyAttribute)
	route(executor, keys, kmip.OperationActivate, keys.activate)
	route(executor, keys, kmip.OperationRevoke, keys.revoke)
	route(executor, keys, kmip.OperationDestroy, keys.destroy)
	route(executor, keys, kmip.OperationQuery, keys.query)
	return executor
}

// route takes one request after the other to the store, whichever connections they come on.
func route[Request, Response kmip.OperationPayload](
	executor *kmipserver.BatchExecutor, keys *store, operation kmip.Operation,
	handler func(context.Context, Request) (Response, error),
) {
	keys.operations = append(keys.operations, operation)
	executor.Route(operation, kmipserver.HandleFunc(func(ctx context.Context, request Request) (Response, error) {
		keys.lock.Lock()
		defer keys.lock.Unlock()
		return handler(ctx, request)
	}))
}
