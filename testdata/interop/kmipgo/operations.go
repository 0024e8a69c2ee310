package main

import (
	"context"

	"github.com/ovh/kmip-go"
	"github.com/ovh/kmip-go/kmipserver"
	"github.com/ovh/kmip-go/payloads"
)

// route tells the toolkit what each operation does. One at a time: there is one client.
func (all *store) route(executor *kmipserver.BatchExecutor) {
	executor.Route(kmip.OperationQuery, locked(all, all.query))
	executor.Route(kmip.OperationCreate, locked(all, all.create))
	executor.Route(kmip.OperationLocate, locked(all, all.locate))
	executor.Route(kmip.OperationGet, locked(all, all.get))
	executor.Route(kmip.OperationGetAttributes, locked(all, all.getAttributes))
	executor.Route(kmip.OperationActivate, locked(all, all.activate))
	executor.Route(kmip.OperationAddAttribute, locked(all, all.addAttribute))
	executor.Route(kmip.OperationModifyAttribute, locked(all, all.modifyAttribute))
	executor.Route(kmip.OperationRevoke, locked(all, all.revoke))
	executor.Route(kmip.OperationDestroy, locked(all, all.destroy))
}

func locked[Req, Resp kmip.OperationPayload](
	all *store, work func(Req) (Resp, error),
) kmipserver.OperationHandler {
	return kmipserver.HandleFunc(func(_ context.Context, request Req) (Resp, error) {
		all.mutex.Lock()
		defer all.mutex.Unlock()
		response, err := work(request)
		if err == nil {
			err = all.write()
		}
		return response, err
	})
}

func refused(reason kmip.ResultReason, why string) error {
	return kmipserver.Errorf(reason, "%s", why)
}

func (all *store) query(*payloads.QueryRequestPayload) (*payloads.QueryResponsePayload, error) {
	return &payloads.QueryResponsePayload{
		Operations: []kmip.Operation{
			kmip.OperationCreate, kmip.OperationLocate, kmip.OperationGet, kmip.OperationGetAttributes,
			kmip.OperationActivate, kmip.OperationAddAttribute, kmip.OperationModifyAttribute,
			kmip.OperationRevoke, kmip.OperationDestroy, kmip.OperationQuery, kmip.OperationDiscoverVersions,
		},
		ObjectType:           []kmip.ObjectType{kmip.ObjectTypeSymmetricKey},
		VendorIdentification: "kmip-go",
	}, nil
}

func (all *store) create(request *payloads.CreateRequestPayload) (*payloads.CreateResponsePayload, error) {
	if request.ObjectType != kmip.ObjectTypeSymmetricKey {
		return nil, refused(kmip.ResultReasonInvalidField, "symmetric keys only")
	}
	own, err := all.make(request.TemplateAttribute.Attribute)
	if err != nil {
		return nil, err
	}
	return &payloads.CreateResponsePayload{ObjectType: request.ObjectType, UniqueIdentifier: own.id}, nil
}

func (all *store) locate(request *payloads.LocateRequestPayload) (*payloads.LocateResponsePayload, error) {
	response := &payloads.LocateResponsePayload{}
	matching := int32(0)
	for _, own := range all.keys {
		if own.has(kmip.AttributeNameDestroyDate) || !own.matches(request.Attribute) {
			continue
		}
		listed := int32(len(response.UniqueIdentifier))
		if matching >= request.OffsetItems && (request.MaximumItems == 0 || listed < request.MaximumItems) {
			response.UniqueIdentifier = append(response.UniqueIdentifier, own.id)
		}
		matching++
	}
	response.LocatedItems = &matching
	return response, nil
}

func (all *store) get(request *payloads.GetRequestPayload) (*payloads.GetResponsePayload, error) {
	own, err := all.find(request.UniqueIdentifier)
	if err != nil {
		return nil, err
	}
	if own.bytes == nil {
		return nil, refused(kmip.ResultReasonPermissionDenied, "the key is destroyed")
	}
	block := kmip.KeyBlock{
		KeyFormatType: kmip.KeyFormatTypeRaw,
		KeyValue:      &kmip.KeyValue{Plain: &kmip.PlainKeyValue{KeyMaterial: kmip.KeyMaterial{Bytes: &own.bytes}}},
	}
	for _, attribute := range own.attributes {
		switch value := attribute.AttributeValue.(type) {
		case kmip.CryptographicAlgorithm:
			block.CryptographicAlgorithm = value
		case int32:
			if attribute.AttributeName == kmip.AttributeNameCryptographicLength {
				block.CryptographicLength = value
			}
		}
	}
	return &payloads.GetResponsePayload{
		ObjectType:       kmip.ObjectTypeSymmetricKey,
		UniqueIdentifier: own.id,
		Object:           &kmip.SymmetricKey{KeyBlock: block},
	}, nil
}

func (all *store) getAttributes(
	request *payloads.GetAttributesRequestPayload,
) (*payloads.GetAttributesResponsePayload, error) {
	own, err := all.find(request.UniqueIdentifier)
	if err != nil {
		return nil, err
	}
	response := &payloads.GetAttributesResponsePayload{UniqueIdentifier: own.id}
	for _, attribute := range own.told() {
		asked := len(request.AttributeName) == 0
		for _, name := range request.AttributeName {
			asked = asked || name == attribute.AttributeName
		}
		if asked {
			response.Attribute = append(response.Attribute, attribute)
		}
	}
	return response, nil
}

func (all *store) activate(request *payloads.ActivateRequestPayload) (*payloads.ActivateResponsePayload, error) {
	own, err := all.find(request.UniqueIdentifier)
	if err != nil {
		return nil, err
	}
	if own.state() != kmip.StatePreActive {
		return nil, refused(kmip.ResultReasonPermissionDenied, "the key is not pre-active")
	}
	own.set(kmip.AttributeNameActivationDate, now())
	return &payloads.ActivateResponsePayload{UniqueIdentifier: own.id}, nil
}

func (all *store) addAttribute(
	request *payloads.AddAttributeRequestPayload,
) (*payloads.AddAttributeResponsePayload, error) {
	own, err := all.find(request.UniqueIdentifier)
	if err != nil {
		return nil, err
	}
	if own.has(request.Attribute.AttributeName) {
		return nil, refused(kmip.ResultReasonIllegalOperation, "the attribute is there")
	}
	own.set(request.Attribute.AttributeName, request.Attribute.AttributeValue)
	return &payloads.AddAttributeResponsePayload{UniqueIdentifier: own.id, Attribute: request.Attribute}, nil
}

func (all *store) modifyAttribute(
	request *payloads.ModifyAttributeRequestPayload,
) (*payloads.ModifyAttributeResponsePayload, error) {
	own, err := all.find(request.UniqueIdentifier)
	if err != nil {
		return nil, err
	}
	name := request.Attribute.AttributeName
	if !own.has(name) {
		return nil, refused(kmip.ResultReasonItemNotFound, "no such attribute")
	}
	// KMIP 1.4, 3.26.
	if date := own.date(name); name == kmip.AttributeNameProtectStopDate && date != nil && !date.After(now()) {
		return nil, refused(kmip.ResultReasonPermissionDenied, "the date is reached")
	}
	own.set(name, request.Attribute.AttributeValue)
	return &payloads.ModifyAttributeResponsePayload{UniqueIdentifier: own.id, Attribute: request.Attribute}, nil
}

func (all *store) revoke(request *payloads.RevokeRequestPayload) (*payloads.RevokeResponsePayload, error) {
	own, err := all.find(request.UniqueIdentifier)
	if err != nil {
		return nil, err
	}
	switch request.RevocationReason.RevocationReasonCode {
	case kmip.RevocationReasonCodeKeyCompromise, kmip.RevocationReasonCodeCACompromise:
		own.set(kmip.AttributeNameCompromiseDate, now())
	default:
		if own.state() != kmip.StateActive {
			return nil, refused(kmip.ResultReasonIllegalOperation, "the key is not active")
		}
		own.set(kmip.AttributeNameDeactivationDate, now())
	}
	return &payloads.RevokeResponsePayload{UniqueIdentifier: own.id}, nil
}

func (all *store) destroy(request *payloads.DestroyRequestPayload) (*payloads.DestroyResponsePayload, error) {
	own, err := all.find(request.UniqueIdentifier)
	if err != nil {
		return nil, err
	}
	if own.state() == kmip.StateActive {
		return nil, refused(kmip.ResultReasonPermissionDenied, "the key is active")
	}
	own.set(kmip.AttributeNameDestroyDate, now())
	own.bytes = nil
	return &payloads.DestroyResponsePayload{UniqueIdentifier: own.id}, nil
}
