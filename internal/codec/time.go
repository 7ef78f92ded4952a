package codec

import (
	"errors"
	"reflect"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// TimeFormat is how a time.Time is stored: UTC with nine digits of fraction, so
// that texts sort as times do.
const TimeFormat = "2006-01-02T15:04:05.000000000Z"

var (
	timeType     = reflect.TypeFor[time.Time]()
	unixTimeType = reflect.TypeFor[attributevalue.UnixTime]()

	errYear = errors.New("year is outside 0 to 9999")
	errTime = errors.New("not a time in the expected layout")
)

// isTime is what attributevalue treats as a time: also types defined as one.
func isTime(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.ConvertibleTo(timeType)
}

func toTime(v reflect.Value) time.Time {
	if v.Type() != timeType {
		v = v.Convert(timeType)
	}
	return v.Interface().(time.Time)
}

func setTime(dst reflect.Value, t time.Time) {
	v := reflect.ValueOf(t.UTC())
	if dst.Type() != timeType {
		v = v.Convert(dst.Type())
	}
	dst.Set(v)
}

// buildTime makes x a time stored as text in layout; "" is the standard one.
func (x *Value) buildTime(layout string) {
	x.Kind = Time
	read := layout
	if layout == "" {
		layout, read = TimeFormat, time.RFC3339Nano
	}
	x.enc = func(v reflect.Value, _ level) (types.AttributeValue, error) {
		t := toTime(v).UTC()
		if y := t.Year(); y < 0 || y > 9999 {
			return nil, fail(errYear)
		}
		return &types.AttributeValueMemberS{Value: t.Format(layout)}, nil
	}
	x.dec = func(av types.AttributeValue, dst reflect.Value, _ level) error {
		s, ok := av.(*types.AttributeValueMemberS)
		if !ok {
			return mismatch("S", av)
		}
		t, err := time.Parse(read, s.Value)
		if err != nil {
			return fail(errTime) // the parser's own text quotes the value
		}
		setTime(dst, t)
		return nil
	}
}

// buildUnixTime makes x a time stored as epoch seconds. skipZero leaves a zero
// time out: as a TTL it would expire the item at once.
func (x *Value) buildUnixTime(skipZero bool) {
	x.Kind = UnixTime
	x.enc = func(v reflect.Value, _ level) (types.AttributeValue, error) {
		t := toTime(v)
		if skipZero && t.IsZero() {
			return nil, nil
		}
		return &types.AttributeValueMemberN{Value: strconv.FormatInt(t.Unix(), 10)}, nil
	}
	x.dec = func(av types.AttributeValue, dst reflect.Value, _ level) error {
		n, ok := av.(*types.AttributeValueMemberN)
		if !ok {
			return mismatch("N", av)
		}
		sec, err := parseInt(n.Value, 64)
		if err != nil {
			return fail(err)
		}
		setTime(dst, time.Unix(sec, 0))
		return nil
	}
}

// checkLayout refuses a layout that cannot be read back, such as one with a
// misspelt element.
func checkLayout(layout string) error {
	if layout == "" {
		return errors.New("time layout is empty")
	}
	sample := time.Date(2021, time.November, 23, 17, 38, 49, 0, time.UTC)
	text := sample.Format(layout)
	if text == layout {
		return errors.New("time layout has no element of a time")
	}
	back, err := time.Parse(layout, text)
	if err != nil || back.UTC().Format(layout) != text {
		return errors.New("time layout cannot be read back")
	}
	return nil
}
