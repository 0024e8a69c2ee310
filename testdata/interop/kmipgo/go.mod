module sstablerekey/interop/kmipgo

go 1.23.0

require github.com/ovh/kmip-go v0.5.0
