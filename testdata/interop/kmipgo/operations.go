package main

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/ovh/kmip-go"
	"github.com/ovh/kmip-go/kmipserver"
	"github.com/ovh/kmip-go/payloads"
)

// Numbers are sections of the KMIP specification 1.4; the reasons of refusals are those of its section 11.

func refused(reason kmip.ResultReason, format string, arguments ...any) error {
	return kmipserver.Errorf(reason, format, arguments...)
}

// object is the one that a request names, or means by having just made or found it.
func (keys *store) object(ctx context.Context, id string) (*object, error) {
	id, err := kmipserver.GetIdOrPlaceholder(ctx, id)
	if err != nil {
		return nil, refused(kmip.ResultReasonInvalidMessage, "no unique identifier")
	}
	o := keys.find(id)
	if o == nil {
		return nil, refused(kmip.ResultReasonItemNotFound, "no object has this unique identifier")
	}
	return o, nil
}

// create (4.1) makes AES keys.
func (keys *store) create(
	ctx context.Context, request *payloads.CreateRequestPayload,
) (*payloads.CreateResponsePayload, error) {
	if request.ObjectType != kmip.ObjectTypeSymmetricKey {
		return nil, refused(kmip.ResultReasonInvalidField, "only symmetric keys are made here")
	}
	if len(request.TemplateAttribute.Name) > 0 {
		return nil, refused(kmip.ResultReasonItemNotFound, "no such template")
	}
	o := &object{id: uuid.NewString()}
	for _, attribute := range request.TemplateAttribute.Attribute {
		name := attribute.AttributeName
		allowed, found := rights(name)
		if !found || allowed&atCreation == 0 || allowed&repeated == 0 && o.value(name) != nil {
			return nil, refused(kmip.ResultReasonInvalidField, "attribute %s cannot be given", name)
		}
		o.add(name, attribute.AttributeValue)
	}
	length, _ := o.value(kmip.AttributeNameCryptographicLength).(int32)
	if o.value(kmip.AttributeNameCryptographicAlgorithm) != kmip.CryptographicAlgorithmAES ||
		!slices.Contains([]int32{128, 192, 256}, length) {
		return nil, refused(kmip.ResultReasonInvalidField, "only AES keys of 128, 192 or 256 bits are made here")
	}
	if o.value(kmip.AttributeNameCryptographicUsageMask) == nil {
		return nil, refused(kmip.ResultReasonInvalidField, "no cryptographic usage mask")
	}
	o.key = make([]byte, length/8)
	_, _ = rand.Read(o.key) // never fails
	o.add(kmip.AttributeNameUniqueIdentifier, o.id)
	o.add(kmip.AttributeNameObjectType, kmip.ObjectTypeSymmetricKey)
	o.add(kmip.AttributeNameState, kmip.StatePreActive)
	o.add(kmip.AttributeNameInitialDate, now())
	o.add(kmip.AttributeNameOriginalCreationDate, now())
	o.add(kmip.AttributeNameLastChangeDate, now())
	o.settle()
	keys.objects = append(keys.objects, o)
	kmipserver.SetIdPlaceholder(ctx, o.id)
	return &payloads.CreateResponsePayload{ObjectType: kmip.ObjectTypeSymmetricKey, UniqueIdentifier: o.id}, nil
}

// locate (4.9) gives the newest first.
func (keys *store) locate(
	ctx context.Context, request *payloads.LocateRequestPayload,
) (*payloads.LocateResponsePayload, error) {
	if request.ObjectGroupMember != 0 {
		return nil, kmipserver.ErrFeatureNotSupported
	}
	var found []string
	archived := request.StorageStatusMask != 0 && request.StorageStatusMask&kmip.StorageStatusOnlineStorage == 0
	for _, o := range slices.Backward(keys.objects) {
		o.settle()
		if !archived && o.matches(request.Attribute) {
			found = append(found, o.id)
		}
	}
	located := int32(len(found))
	found = found[min(request.OffsetItems, located):]
	if request.MaximumItems > 0 {
		found = found[:min(int(request.MaximumItems), len(found))]
	}
	kmipserver.ClearIdPlaceholder(ctx)
	if len(found) == 1 {
		kmipserver.SetIdPlaceholder(ctx, found[0])
	}
	return &payloads.LocateResponsePayload{LocatedItems: &located, UniqueIdentifier: found}, nil
}

// get (4.11) gives out every key that is not destroyed, whatever its state.
func (keys *store) get(ctx context.Context, request *payloads.GetRequestPayload) (*payloads.GetResponsePayload, error) {
	o, err := keys.object(ctx, request.UniqueIdentifier)
	if err != nil {
		return nil, err
	}
	if o.key == nil {
		return nil, refused(kmip.ResultReasonPermissionDenied, "the object is destroyed")
	}
	if request.KeyFormatType != 0 && request.KeyFormatType != kmip.KeyFormatTypeRaw {
		return nil, refused(kmip.ResultReasonKeyFormatTypeNotSupported, "keys are raw here")
	}
	if request.KeyWrappingSpecification != nil {
		return nil, kmipserver.ErrFeatureNotSupported
	}
	return &payloads.GetResponsePayload{
		ObjectType:       kmip.ObjectTypeSymmetricKey,
		UniqueIdentifier: o.id,
		Object: &kmip.SymmetricKey{KeyBlock: kmip.KeyBlock{
			KeyFormatType:          kmip.KeyFormatTypeRaw,
			KeyValue:               &kmip.KeyValue{Plain: &kmip.PlainKeyValue{KeyMaterial: kmip.KeyMaterial{Bytes: &o.key}}},
			CryptographicAlgorithm: kmip.CryptographicAlgorithmAES,
			CryptographicLength:    int32(len(o.key) * 8),
		}},
	}, nil
}

func (keys *store) getAttributes(
	ctx context.Context, request *payloads.GetAttributesRequestPayload,
) (*payloads.GetAttributesResponsePayload, error) {
	o, err := keys.object(ctx, request.UniqueIdentifier)
	if err != nil {
		return nil, err
	}
	return &payloads.GetAttributesResponsePayload{
		UniqueIdentifier: o.id,
		Attribute:        o.numbered(request.AttributeName),
	}, nil
}

// changeable is the object, if a client may give it this attribute now.
func (keys *store) changeable(ctx context.Context, id string, attribute kmip.Attribute) (*object, error) {
	o, err := keys.object(ctx, id)
	if err != nil {
		return nil, err
	}
	name := attribute.AttributeName
	if allowed, found := rights(name); !found || allowed&later == 0 {
		return nil, refused(kmip.ResultReasonPermissionDenied, "attribute %s cannot be changed", name)
	}
	if name == kmip.AttributeNameProtectStopDate {
		return o, o.mayStop(attribute.AttributeValue.(time.Time))
	}
	return o, nil
}

// mayStop tells whether the Protect Stop Date may be this one (3.26).
func (o *object) mayStop(date time.Time) error {
	if o.state() != kmip.StatePreActive && o.state() != kmip.StateActive {
		return refused(kmip.ResultReasonPermissionDenied, "the object is neither pre-active nor active")
	}
	if stop := o.date(kmip.AttributeNameProtectStopDate); !stop.IsZero() && !stop.After(now()) {
		return refused(kmip.ResultReasonPermissionDenied, "the protect stop date has been reached")
	}
	if end := o.date(kmip.AttributeNameDeactivationDate); !end.IsZero() && date.After(end) {
		return refused(kmip.ResultReasonPermissionDenied, "the protect stop date is after the deactivation date")
	}
	return nil
}

func (keys *store) addAttribute(
	ctx context.Context, request *payloads.AddAttributeRequestPayload,
) (*payloads.AddAttributeResponsePayload, error) {
	name := request.Attribute.AttributeName
	o, err := keys.changeable(ctx, request.UniqueIdentifier, request.Attribute)
	if err != nil {
		return nil, err
	}
	if request.Attribute.AttributeIndex != nil {
		return nil, refused(kmip.ResultReasonInvalidField, "the attribute index is the server's to give")
	}
	if allowed, _ := rights(name); allowed&repeated == 0 && o.value(name) != nil {
		return nil, refused(kmip.ResultReasonIllegalOperation, "attribute %s exists", name)
	}
	o.add(name, request.Attribute.AttributeValue)
	o.set(kmip.AttributeNameLastChangeDate, now())
	return &payloads.AddAttributeResponsePayload{UniqueIdentifier: o.id, Attribute: request.Attribute}, nil
}

// modifyAttribute changes the first value; nothing here changes another.
func (keys *store) modifyAttribute(
	ctx context.Context, request *payloads.ModifyAttributeRequestPayload,
) (*payloads.ModifyAttributeResponsePayload, error) {
	name := request.Attribute.AttributeName
	o, err := keys.changeable(ctx, request.UniqueIdentifier, request.Attribute)
	if err != nil {
		return nil, err
	}
	if o.value(name) == nil {
		return nil, refused(kmip.ResultReasonInvalidField, "attribute %s does not exist", name)
	}
	if index := request.Attribute.AttributeIndex; index != nil && *index != 0 {
		return nil, refused(kmip.ResultReasonItemNotFound, "attribute %s has no such index", name)
	}
	o.change(name, request.Attribute.AttributeValue)
	return &payloads.ModifyAttributeResponsePayload{UniqueIdentifier: o.id, Attribute: request.Attribute}, nil
}

func (keys *store) activate(
	ctx context.Context, request *payloads.ActivateRequestPayload,
) (*payloads.ActivateResponsePayload, error) {
	o, err := keys.object(ctx, request.UniqueIdentifier)
	if err != nil {
		return nil, err
	}
	if o.state() != kmip.StatePreActive {
		return nil, refused(kmip.ResultReasonPermissionDenied, "the object is not pre-active")
	}
	o.change(kmip.AttributeNameState, kmip.StateActive)
	o.set(kmip.AttributeNameActivationDate, now())
	return &payloads.ActivateResponsePayload{UniqueIdentifier: o.id}, nil
}

// revoke (4.20) needs a reason, and an active object unless that is a compromise.
func (keys *store) revoke(
	ctx context.Context, request *payloads.RevokeRequestPayload,
) (*payloads.RevokeResponsePayload, error) {
	o, err := keys.object(ctx, request.UniqueIdentifier)
	if err != nil {
		return nil, err
	}
	reason := request.RevocationReason.RevocationReasonCode
	if reason < kmip.RevocationReasonCodeUnspecified || reason > kmip.RevocationReasonCodePrivilegeWithdrawn {
		return nil, refused(kmip.ResultReasonInvalidField, "no revocation reason")
	}
	occurred := request.CompromiseOccurrenceDate
	switch reason {
	case kmip.RevocationReasonCodeKeyCompromise, kmip.RevocationReasonCodeCACompromise:
		if o.state() > kmip.StateDeactivated {
			return nil, refused(kmip.ResultReasonIllegalOperation, "the object is compromised or destroyed")
		}
		if occurred == nil {
			initial := o.date(kmip.AttributeNameInitialDate)
			occurred = &initial
		}
		o.change(kmip.AttributeNameState, kmip.StateCompromised)
		o.set(kmip.AttributeNameCompromiseDate, now())
		o.set(kmip.AttributeNameCompromiseOccurrenceDate, *occurred)
	default:
		if occurred != nil {
			return nil, refused(kmip.ResultReasonInvalidField, "a compromise occurrence date without a compromise")
		}
		if o.state() != kmip.StateActive {
			return nil, refused(kmip.ResultReasonIllegalOperation, "the object is not active")
		}
		o.change(kmip.AttributeNameState, kmip.StateDeactivated)
		o.set(kmip.AttributeNameDeactivationDate, now())
	}
	o.set(kmip.AttributeNameRevocationReason, request.RevocationReason)
	return &payloads.RevokeResponsePayload{UniqueIdentifier: o.id}, nil
}

// destroy (4.21) forgets the key and keeps the attributes.
func (keys *store) destroy(
	ctx context.Context, request *payloads.DestroyRequestPayload,
) (*payloads.DestroyResponsePayload, error) {
	o, err := keys.object(ctx, request.UniqueIdentifier)
	if err != nil {
		return nil, err
	}
	switch o.state() {
	case kmip.StateActive:
		return nil, refused(kmip.ResultReasonPermissionDenied, "the object is active")
	case kmip.StateDestroyed, kmip.StateDestroyedCompromised:
		return nil, refused(kmip.ResultReasonPermissionDenied, "the object is destroyed")
	case kmip.StateCompromised:
		o.change(kmip.AttributeNameState, kmip.StateDestroyedCompromised)
	default:
		o.change(kmip.AttributeNameState, kmip.StateDestroyed)
	}
	o.set(kmip.AttributeNameDestroyDate, now())
	o.key = nil
	return &payloads.DestroyResponsePayload{UniqueIdentifier: o.id}, nil
}

// query (4.25) answers what is asked of it, as far as this server has it. Discover Versions is the library's.
func (keys *store) query(
	_ context.Context, request *payloads.QueryRequestPayload,
) (*payloads.QueryResponsePayload, error) {
	answer := &payloads.QueryResponsePayload{}
	for _, function := range request.QueryFunction {
		switch function {
		case kmip.QueryFunctionOperations:
			answer.Operations = append(slices.Clone(keys.operations), kmip.OperationDiscoverVersions)
		case kmip.QueryFunctionObjects:
			answer.ObjectType = []kmip.ObjectType{kmip.ObjectTypeSymmetricKey}
		case kmip.QueryFunctionServerInformation:
			answer.VendorIdentification = "kmip-go interop server"
		}
	}
	return answer, nil
}
