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
	if v.CanAddr() {
		return *v.Addr().Interface().(*time.Time) // Interface alone would copy it to the heap
	}
	return v.Interface().(time.Time)
}

func setTime(dst reflect.Value, t time.Time) {
	if dst.Type() == timeType {
		*dst.Addr().Interface().(*time.Time) = t.UTC()
		return
	}
	dst.Set(reflect.ValueOf(t.UTC()).Convert(dst.Type()))
}

// buildTime makes x a time stored as text in layout; "" is the standard one.
func (x *Value) buildTime(layout string) {
	x.Kind = Time
	read := layout
	if layout == "" {
		layout, read = TimeFormat, time.RFC3339Nano
		if x.Type == timeType {
			x.op = opTime
		}
	}
	x.layout = read
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
	if x.Type == timeType && !skipZero {
		x.op = opUnixTime
	}
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

// appendTime appends t in TimeFormat. It is false for years that have not four
// digits.
func appendTime(b []byte, t time.Time) ([]byte, bool) {
	t = t.UTC()
	year, month, day := t.Date()
	if year < 0 || year > 9999 {
		return b, false
	}
	hour, minute, sec := t.Clock()
	b = appendPadded(b, year, 4)
	b = appendPadded(append(b, '-'), int(month), 2)
	b = appendPadded(append(b, '-'), day, 2)
	b = appendPadded(append(b, 'T'), hour, 2)
	b = appendPadded(append(b, ':'), minute, 2)
	b = appendPadded(append(b, ':'), sec, 2)
	b = appendPadded(append(b, '.'), t.Nanosecond(), 9)
	return append(b, 'Z'), true
}

func appendPadded(b []byte, n, width int) []byte {
	b = append(b, "000000000"[:width]...)
	for i := len(b) - 1; n > 0; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return b
}

// parseTime reads TimeFormat, exactly; all else is time.Parse's.
func parseTime[T string | []byte](s T) (time.Time, bool) {
	if len(s) != len(TimeFormat) || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' || s[19] != '.' || s[29] != 'Z' {
		return time.Time{}, false
	}
	year, ok1 := digitsOf(s[:4])
	month, ok2 := digitsOf(s[5:7])
	day, ok3 := digitsOf(s[8:10])
	hour, ok4 := digitsOf(s[11:13])
	minute, ok5 := digitsOf(s[14:16])
	sec, ok6 := digitsOf(s[17:19])
	nsec, ok7 := digitsOf(s[20:29])
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || !ok7 || hour > 23 || minute > 59 || sec > 59 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, sec, nsec, time.UTC)
	// A day or month that does not exist would have become another one.
	return t, month >= 1 && month <= 12 && day >= 1 && (day <= 28 || t.Day() == day)
}

func digitsOf[T string | []byte](s T) (n int, ok bool) {
	for i := range len(s) {
		c := s[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + int(c)
	}
	return n, true
}
