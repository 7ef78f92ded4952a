package monotable

import "reflect"

// maxCopyDepth is beyond what DynamoDB can nest; what lies deeper is refused by the codec.
const maxCopyDepth = 64

// ownCopy is a deep copy of a caller's value, addressable. Rules may change it in
// place, and nothing of the caller's changes with it.
func ownCopy[T any](v T) reflect.Value {
	dst := reflect.New(reflect.TypeFor[T]()).Elem()
	copyInto(dst, reflect.ValueOf(&v).Elem(), 0)
	return dst
}

// copyOf is a deep copy of a value of any type: values of conditions and changes are immutable.
func copyOf(v any) any {
	src := reflect.ValueOf(v)
	if !src.IsValid() || !holdsReferences(src.Kind()) {
		return v
	}
	dst := reflect.New(src.Type()).Elem()
	copyInto(dst, src, 0)
	return dst.Interface()
}

func copyInto(dst, src reflect.Value, depth int) {
	dst.Set(src)
	if depth == maxCopyDepth {
		return
	}
	switch src.Kind() {
	case reflect.Pointer:
		if !src.IsNil() {
			dst.Set(reflect.New(src.Type().Elem()))
			copyInto(dst.Elem(), src.Elem(), depth+1)
		}
	case reflect.Struct:
		for i := range src.NumField() {
			if src.Type().Field(i).IsExported() && holdsReferences(src.Field(i).Kind()) {
				copyInto(dst.Field(i), src.Field(i), depth+1)
			}
		}
	case reflect.Slice:
		if !src.IsNil() {
			dst.Set(reflect.MakeSlice(src.Type(), src.Len(), src.Len()))
			copyElements(dst, src, depth)
		}
	case reflect.Array:
		copyElements(dst, src, depth)
	case reflect.Map:
		if src.IsNil() {
			return
		}
		dst.Set(reflect.MakeMapWithSize(src.Type(), src.Len()))
		for entries := src.MapRange(); entries.Next(); {
			v := reflect.New(src.Type().Elem()).Elem()
			copyInto(v, entries.Value(), depth+1)
			dst.SetMapIndex(entries.Key(), v)
		}
	case reflect.Interface:
		if !src.IsNil() {
			v := reflect.New(src.Elem().Type()).Elem()
			copyInto(v, src.Elem(), depth+1)
			dst.Set(v)
		}
	}
}

func copyElements(dst, src reflect.Value, depth int) {
	if !holdsReferences(src.Type().Elem().Kind()) {
		reflect.Copy(dst, src)
		return
	}
	for i := range src.Len() {
		copyInto(dst.Index(i), src.Index(i), depth+1)
	}
}

func holdsReferences(k reflect.Kind) bool {
	switch k {
	case reflect.Pointer, reflect.Struct, reflect.Slice, reflect.Array, reflect.Map, reflect.Interface:
		return true
	}
	return false
}
