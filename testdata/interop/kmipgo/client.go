package main

import (
	"encoding"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/ovh/kmip-go"
	"github.com/ovh/kmip-go/kmipclient"
	"github.com/ovh/kmip-go/ttlv"
)

// client asks a server by the library's own client:
//
//	create BITS NAME [NAMESPACE]   makes an active key for AES/CBC/PKCS5Padding and prints its id
//	get ID                         prints the key in hex
//	state ID                       prints its state
//	attributes ID                  prints everything but the key, one `Name: value` a line
//	ids                            prints all ids, with spaces
//
// PKI has client.pem (with its issuers), client.key and ca.pem.
func client(port, pki, what string, arguments []string) error {
	connection, err := kmipclient.Dial("127.0.0.1:"+port,
		kmipclient.WithRootCAFile(filepath.Join(pki, "ca.pem")),
		kmipclient.WithClientCertFiles(filepath.Join(pki, "client.pem"), filepath.Join(pki, "client.key")))
	if err != nil {
		return err
	}
	defer connection.Close()
	ask, found := map[string]func(*kmipclient.Client, ...string) (string, error){
		"create": create, "get": get, "state": state, "attributes": attributes, "ids": ids,
	}[what]
	if !found {
		return fmt.Errorf("nothing to ask is called %s", what)
	}
	answer, err := ask(connection, arguments...)
	if err == nil {
		fmt.Println(answer)
	}
	return err
}

func create(connection *kmipclient.Client, arguments ...string) (string, error) {
	bits, err := strconv.Atoi(arguments[0])
	if err != nil {
		return "", err
	}
	request := connection.Create().
		AES(bits, kmip.CryptographicUsageEncrypt|kmip.CryptographicUsageDecrypt).
		WithName(arguments[1]).
		WithAttribute(kmip.AttributeNameCryptographicParameters, kmip.CryptographicParameters{
			BlockCipherMode: kmip.BlockCipherModeCBC, PaddingMethod: kmip.PaddingMethodPKCS5,
		})
	if len(arguments) > 2 {
		request = request.WithAttribute("x-key-namespace", arguments[2])
	}
	made, err := request.Exec()
	if err != nil {
		return "", err
	}
	_, err = connection.Activate(made.UniqueIdentifier).Exec()
	return made.UniqueIdentifier, err
}

func get(connection *kmipclient.Client, arguments ...string) (string, error) {
	got, err := connection.Get(arguments[0]).Exec()
	if err != nil {
		return "", err
	}
	key, err := got.SymmetricKey()
	return hex.EncodeToString(key), err
}

func state(connection *kmipclient.Client, arguments ...string) (string, error) {
	got, err := connection.GetAttributes(arguments[0], kmip.AttributeNameState).Exec()
	if err != nil {
		return "", err
	}
	return strings.ToUpper(ttlv.EnumStr(got.Attribute[0].AttributeValue.(kmip.State))), nil
}

func attributes(connection *kmipclient.Client, arguments ...string) (string, error) {
	got, err := connection.GetAttributes(arguments[0]).Exec()
	if err != nil {
		return "", err
	}
	var lines []string
	for _, attribute := range got.Attribute {
		lines = append(lines, fmt.Sprintf("%s: %s", attribute.AttributeName, text(attribute.AttributeValue)))
	}
	return strings.Join(lines, "\n"), nil
}

func text(value any) string {
	switch value := value.(type) {
	case time.Time:
		return value.UTC().Format(time.RFC3339)
	case kmip.Name:
		return value.NameValue
	case kmip.CryptographicParameters:
		return ttlv.EnumStr(value.BlockCipherMode) + "/" + ttlv.EnumStr(value.PaddingMethod)
	case kmip.RevocationReason:
		return ttlv.EnumStr(value.RevocationReasonCode)
	case ttlv.Value:
		return fmt.Sprint(value.Value)
	case encoding.TextMarshaler:
		word, err := value.MarshalText()
		if err == nil {
			return string(word)
		}
	}
	return fmt.Sprint(value)
}

func ids(connection *kmipclient.Client, _ ...string) (string, error) {
	located, err := connection.Locate().Exec()
	if err != nil {
		return "", err
	}
	return strings.Join(located.UniqueIdentifier, " "), nil
}
