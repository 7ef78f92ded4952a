package codec

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"unicode/utf8"

	"github.com/monotable/monotable/internal/usercode"
)

// keyCodec turns keys of a Go map into names of a stored map and back.
type keyCodec struct {
	enc func(key reflect.Value) (string, error)
	dec func(name string, dst reflect.Value) error

	plain bool // no user code is called
}

var (
	textMarshalerType   = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()

	errKeyNumber = errors.New("map key is not a number of this type")
	errKeyBool   = errors.New("map key is neither true nor false")
)

func newKeyCodec(t reflect.Type) (*keyCodec, error) {
	k := keyOfKind(t)
	marshals := t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface && t.Implements(textMarshalerType)
	unmarshals := t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(textUnmarshalerType)
	if marshals {
		k.enc = func(key reflect.Value) (string, error) {
			b, err := key.Interface().(encoding.TextMarshaler).MarshalText()
			if err != nil {
				return "", &usercode.Error{Method: "MarshalText of a map key", Err: err}
			}
			return string(b), nil
		}
	}
	if unmarshals {
		k.dec = func(name string, dst reflect.Value) error {
			if err := dst.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(name)); err != nil {
				return &usercode.Error{Method: "UnmarshalText of a map key", Err: err}
			}
			return nil
		}
	}
	if k.enc == nil || k.dec == nil {
		return nil, fmt.Errorf("map key type %s is no string, number, bool or text marshaler and unmarshaler", t)
	}
	k.plain = !marshals && !unmarshals
	enc := k.enc
	k.enc = func(key reflect.Value) (string, error) {
		s, err := enc(key)
		switch {
		case err != nil:
			return "", err
		case s == "":
			return "", errEmptyKey
		case !utf8.ValidString(s):
			return "", fmt.Errorf("map key: %w", ErrUTF8)
		}
		return s, nil
	}
	return &k, nil
}

// keyOfKind writes the value itself, not what a String method makes of it, which
// reading could not undo.
func keyOfKind(t reflect.Type) keyCodec {
	switch t.Kind() {
	case reflect.String:
		return keyCodec{
			enc: func(key reflect.Value) (string, error) { return key.String(), nil },
			dec: func(name string, dst reflect.Value) error { dst.SetString(name); return nil },
		}
	case reflect.Bool:
		return keyCodec{
			enc: func(key reflect.Value) (string, error) { return strconv.FormatBool(key.Bool()), nil },
			dec: func(name string, dst reflect.Value) error {
				b, err := strconv.ParseBool(name)
				if err != nil {
					return errKeyBool
				}
				dst.SetBool(b)
				return nil
			},
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return keyCodec{
			enc: func(key reflect.Value) (string, error) { return strconv.FormatInt(key.Int(), 10), nil },
			dec: func(name string, dst reflect.Value) error {
				n, err := strconv.ParseInt(name, 10, t.Bits())
				if err != nil {
					return errKeyNumber
				}
				dst.SetInt(n)
				return nil
			},
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return keyCodec{
			enc: func(key reflect.Value) (string, error) { return strconv.FormatUint(key.Uint(), 10), nil },
			dec: func(name string, dst reflect.Value) error {
				n, err := strconv.ParseUint(name, 10, t.Bits())
				if err != nil {
					return errKeyNumber
				}
				dst.SetUint(n)
				return nil
			},
		}
	case reflect.Float32, reflect.Float64:
		return keyCodec{enc: floatKey(t.Bits()), dec: func(name string, dst reflect.Value) error {
			f, err := strconv.ParseFloat(name, t.Bits())
			if err != nil || math.IsNaN(f) {
				return errKeyNumber
			}
			dst.SetFloat(f)
			return nil
		}}
	}
	return keyCodec{}
}

func floatKey(bits int) func(reflect.Value) (string, error) {
	return func(key reflect.Value) (string, error) {
		f := key.Float()
		if math.IsNaN(f) {
			return "", fmt.Errorf("map key: %w", errNotFinite) // no reader could find it again
		}
		if bits == 32 {
			return fmt.Sprint(float32(f)), nil
		}
		return fmt.Sprint(f), nil
	}
}
