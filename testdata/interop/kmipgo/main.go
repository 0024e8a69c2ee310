// A KMIP server for one run of the interop tests, and a client that asks it.
//
//	kmipgo serve PKI                      the server; see serve
//	kmipgo client PORT PKI WHAT ...       the other side's word on what it holds; see client
//
// The wire format, versions, TLS connections and the dispatch of requests are kmip-go's, which is independent
// of this project. What a request does to the keys is in operations.go, by the KMIP specification 1.4.
package main

import (
	"errors"
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	switch {
	case len(arguments) == 2 && arguments[0] == "serve":
		return serve(arguments[1])
	case len(arguments) >= 4 && arguments[0] == "client":
		return client(arguments[1], arguments[2], arguments[3], arguments[4:])
	}
	return errors.New("usage: kmipgo serve PKI | kmipgo client PORT PKI WHAT ...")
}
