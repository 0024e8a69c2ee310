package main

import (
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/ovh/kmip-go"
)

// store has the keys of one run, in the order in which they were made.
type store struct {
	lock       sync.Mutex
	objects    []*object
	operations []kmip.Operation
}

// object is a symmetric key and its attributes. What is destroyed keeps the attributes.
type object struct {
	id         string
	key        []byte
	attributes []kmip.Attribute
}

// What a client may do with an attribute: give it to Create, give it later, and give it several times.
const (
	atCreation = 1 << iota
	later
	repeated
)

// kept lists the attributes that the server keeps. Those without a right are its own.
var kept = map[kmip.AttributeName]int{
	kmip.AttributeNameName:                     atCreation | later | repeated,
	kmip.AttributeNameCryptographicAlgorithm:   atCreation,
	kmip.AttributeNameCryptographicLength:      atCreation,
	kmip.AttributeNameCryptographicUsageMask:   atCreation,
	kmip.AttributeNameCryptographicParameters:  atCreation | later | repeated,
	kmip.AttributeNameActivationDate:           atCreation,
	kmip.AttributeNameProtectStopDate:          atCreation | later,
	kmip.AttributeNameDeactivationDate:         atCreation,
	kmip.AttributeNameUniqueIdentifier:         0,
	kmip.AttributeNameObjectType:               0,
	kmip.AttributeNameState:                    0,
	kmip.AttributeNameInitialDate:              0,
	kmip.AttributeNameOriginalCreationDate:     0,
	kmip.AttributeNameLastChangeDate:           0,
	kmip.AttributeNameDestroyDate:              0,
	kmip.AttributeNameCompromiseDate:           0,
	kmip.AttributeNameCompromiseOccurrenceDate: 0,
	kmip.AttributeNameRevocationReason:         0,
}

// rights of a client on an attribute; false if the server does not keep it. Custom attributes of clients begin
// with x-, those of servers with y-, and this one has none.
func rights(name kmip.AttributeName) (int, bool) {
	if name.IsCustom() {
		return atCreation | later | repeated, name[0] == 'x'
	}
	allowed, found := kept[name]
	return allowed, found
}

// now is as exact as a date on the wire.
func now() time.Time {
	return time.Now().Truncate(time.Second)
}

// find is the object as it is now, or nil.
func (keys *store) find(id string) *object {
	for _, o := range keys.objects {
		if o.id == id {
			o.settle()
			return o
		}
	}
	return nil
}

// value is the first value of an attribute, or nil.
func (o *object) value(name kmip.AttributeName) any {
	for _, attribute := range o.attributes {
		if attribute.AttributeName == name {
			return attribute.AttributeValue
		}
	}
	return nil
}

// date is an attribute's date; the zero time, which is before all others, if it has none.
func (o *object) date(name kmip.AttributeName) time.Time {
	date, _ := o.value(name).(time.Time)
	return date
}

func (o *object) state() kmip.State {
	return o.value(kmip.AttributeNameState).(kmip.State)
}

// set replaces the first value of an attribute, or adds it.
func (o *object) set(name kmip.AttributeName, value any) {
	for i := range o.attributes {
		if o.attributes[i].AttributeName == name {
			o.attributes[i].AttributeValue = value
			return
		}
	}
	o.add(name, value)
}

func (o *object) add(name kmip.AttributeName, value any) {
	o.attributes = append(o.attributes, kmip.Attribute{AttributeName: name, AttributeValue: value})
}

func (o *object) change(name kmip.AttributeName, value any) {
	o.set(name, value)
	o.set(kmip.AttributeNameLastChangeDate, now())
}

// settle takes the states that come with a date (3.22).
func (o *object) settle() {
	reached := func(name kmip.AttributeName) bool {
		date := o.date(name)
		return !date.IsZero() && !date.After(now())
	}
	if o.state() == kmip.StatePreActive && reached(kmip.AttributeNameActivationDate) {
		o.change(kmip.AttributeNameState, kmip.StateActive)
	}
	if o.state() == kmip.StateActive && reached(kmip.AttributeNameDeactivationDate) {
		o.change(kmip.AttributeNameState, kmip.StateDeactivated)
	}
}

// numbered is the object's attributes with these names, or all of them, as they are sent: a second and a third
// value have an index.
func (o *object) numbered(names []kmip.AttributeName) []kmip.Attribute {
	var sent []kmip.Attribute
	seen := map[kmip.AttributeName]int32{}
	for _, attribute := range o.attributes {
		name := attribute.AttributeName
		if index := seen[name]; index > 0 {
			attribute.AttributeIndex = &index
		}
		seen[name]++
		if len(names) == 0 || slices.Contains(names, name) {
			sent = append(sent, attribute)
		}
	}
	return sent
}

// matches is true if the object has all that Locate asks for (4.9). A date that is given twice is a range.
func (o *object) matches(filters []kmip.Attribute) bool {
	dates := map[kmip.AttributeName][]time.Time{}
	for _, filter := range filters {
		if date, ok := filter.AttributeValue.(time.Time); ok {
			dates[filter.AttributeName] = append(dates[filter.AttributeName], date)
		} else if !slices.ContainsFunc(o.attributes, func(own kmip.Attribute) bool {
			return own.AttributeName == filter.AttributeName && fits(own.AttributeValue, filter.AttributeValue)
		}) {
			return false
		}
	}
	for name, wanted := range dates {
		date := o.date(name)
		from, to := wanted[0], wanted[len(wanted)-1]
		if date.IsZero() || date.Before(from) || date.After(to) {
			return false
		}
	}
	return true
}

// fits compares a value with one that is asked for: all bits of a mask, all fields of a structure that are given.
func fits(own, wanted any) bool {
	if mask, ok := wanted.(kmip.CryptographicUsageMask); ok {
		return own.(kmip.CryptographicUsageMask)&mask == mask
	}
	structure := reflect.ValueOf(wanted)
	if structure.Kind() != reflect.Struct {
		return own == wanted
	}
	for i := range structure.NumField() {
		field := structure.Field(i)
		if !field.IsZero() && !reflect.DeepEqual(reflect.ValueOf(own).Field(i).Interface(), field.Interface()) {
			return false
		}
	}
	return true
}
