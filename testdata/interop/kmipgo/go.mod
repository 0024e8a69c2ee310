module sstablerekey/interop/kmipgo

go 1.23.0

require (
	github.com/google/uuid v1.6.0
	github.com/ovh/kmip-go v0.5.0
)
