package keytmpl

import (
	"encoding"
	"encoding/hex"
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/monotable/monotable/internal/usercode"
)

// Kind says how a Go value becomes the text of a part.
type Kind int

// The kinds of part.
const (
	Unsupported Kind = iota
	Text             // strings, and types with a text form of their own
	Integer
	Decimal // floats and decimal texts
	Bool
	Time
	Bytes
)

// TimeLayout is the canonical form of a time: it has one width and sorts in order of time.
const TimeLayout = "2006-01-02T15:04:05.000000000Z"

var (
	timeType          = reflect.TypeFor[time.Time]()
	bigIntType        = reflect.TypeFor[big.Int]()
	stringType        = reflect.TypeFor[string]()
	textMarshaler     = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshaler   = reflect.TypeFor[encoding.TextUnmarshaler]()
	decimalTextMethod = "Float64" // json.Number and attributevalue.Number: decimal text in a string
)

// KindOf is the kind of a Go type, looking through pointers.
func KindOf(t reflect.Type) Kind {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == timeType:
		return Time
	case t == bigIntType:
		return Integer
	case t.ConvertibleTo(timeType) && t.Kind() == reflect.Struct:
		return Time
	case t.Implements(textMarshaler) && reflect.PointerTo(t).Implements(textUnmarshaler):
		return Text
	}
	switch t.Kind() {
	case reflect.String:
		if m, ok := t.MethodByName(decimalTextMethod); ok && m.Type.NumOut() == 2 {
			return Decimal
		}
		return Text
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return Integer
	case reflect.Float32, reflect.Float64:
		return Decimal
	case reflect.Bool:
		return Bool
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return Bytes
		}
	}
	return Unsupported
}

// Part is a placeholder of a template.
type Part struct {
	Name string
	Kind Kind

	escaped bool
	raw     bool
	layout  string
	width   int // digits before the point; 0 = not padded
	decs    int // digits after the point
	delim   byte
}

func newPart(name, spec string, f Field, delim byte) (Part, error) {
	p := Part{Name: name, Kind: f.Kind, escaped: f.Escaped, layout: f.Layout, delim: delim}
	bad := func(why string) (Part, error) { return Part{}, fmt.Errorf("{%s}: %s", name, why) }
	switch {
	case f.Kind == Unsupported:
		return bad("this type cannot be part of a key: use strings, numbers, bools, times, bytes, or a type with MarshalText and UnmarshalText")
	case f.Escaped && f.Kind != Text:
		return bad("Escaped is for text")
	case spec == "raw":
		if f.Kind != Text || f.Escaped {
			return bad(`":raw" is for text that is not Escaped`)
		}
		p.raw = true
	case spec != "":
		if f.Kind != Integer && f.Kind != Decimal {
			return bad(fmt.Sprintf("padding %q is for numbers", spec))
		}
		width, decs, dotted := strings.Cut(spec, ".")
		var err1, err2 error
		p.width, err1 = strconv.Atoi(width)
		if dotted {
			p.decs, err2 = strconv.Atoi(decs)
		}
		if err1 != nil || err2 != nil || width[0] != '0' || p.width < 1 || p.width > 38 || p.decs < 0 || p.width+p.decs > 38 || dotted && p.decs == 0 {
			return bad(fmt.Sprintf("padding %q must be like 010 (ten digits) or 08.2 (eight before, two after the point), 38 at the most", spec))
		}
		if dotted && f.Kind == Integer {
			return bad("an integer has no digits after the point")
		}
	}
	if f.Kind == Decimal && p.width == 0 {
		return bad("a float or decimal needs a width in a key, such as {" + name + ":08.2}")
	}
	if !p.raw && p.Kind != Text && p.layout == "" && p.class().has(delim) {
		return bad(fmt.Sprintf("the delimiter %q occurs in the text of this type", delim))
	}
	return p, nil
}

// Ordered says that comparing texts of the part is comparing its values.
func (p Part) Ordered() bool {
	switch p.Kind {
	case Integer, Decimal:
		return p.width > 0
	case Time:
		return p.layout == "" || Sorts(p.layout)
	}
	return true
}

// Sorts says whether times written in a layout sort by time, as far as the layout's digits go: tried on times around every boundary.
func Sorts(layout string) bool {
	last := ""
	at := time.Date(999, 12, 31, 23, 59, 58, 999_999_998, time.UTC)
	steps := []time.Duration{1, time.Nanosecond * 10, time.Microsecond, time.Millisecond * 7, time.Second, time.Minute, time.Hour, 11 * time.Hour, 24 * time.Hour, 27 * 24 * time.Hour, 500 * 24 * time.Hour}
	for range 40 {
		for _, step := range steps {
			at = at.Add(step)
			text := at.Format(layout)
			if last != "" && (text < last || len(text) != len(last)) {
				return false
			}
			last = text
		}
	}
	return true
}

// OrderedBeforeDelimiter says that the order also holds where the delimiter
// and other parts follow. It does not for free text: "a" < "a!" but "a!#" < "a#".
func (p Part) OrderedBeforeDelimiter() bool {
	return p.Ordered() && (p.fixed() || p.escaped || p.class().min() > p.delim)
}

// Delimiter is the byte that closes the part.
func (p Part) Delimiter() byte { return p.delim }

func (p Part) fixed() bool {
	return p.width > 0 || p.Kind == Time && p.layout == ""
}

// Format gives the text of a value. It says false for an absent one: a nil pointer or an empty text.
func (p *Part) Format(v reflect.Value) (string, bool, error) {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return "", false, nil
		}
		v = v.Elem()
	}
	text, err := p.text(v)
	if err != nil || text == "" {
		return "", false, err
	}
	if p.Kind != Text && p.layout == "" {
		return text, true, nil
	}
	text, err = p.clean(text)
	return text, err == nil, err
}

// FormatPrefix gives the text of a beginning of a text value; empty is a valid beginning.
func (p Part) FormatPrefix(prefix string) (string, error) {
	if prefix == "" {
		return "", nil
	}
	return p.clean(prefix)
}

func (p *Part) clean(text string) (string, error) {
	switch {
	case !p.escaped && p.isPlain(text): // as most are
		return text, nil
	case !utf8.ValidString(text):
		return "", fmt.Errorf("invalid UTF-8")
	case strings.Contains(text, MaxPart):
		return "", fmt.Errorf("contains U+10FFFF, which is kept for the ends of ranges")
	case p.raw:
		return text, nil
	case p.escaped:
		return escape(text, p.delim), nil
	case strings.IndexByte(text, p.delim) >= 0:
		return "", fmt.Errorf("contains the delimiter %q: mark the attribute Escaped()", p.delim)
	}
	return text, nil
}

// isPlain says that there is nothing in a text to look at.
func (p *Part) isPlain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c >= utf8.RuneSelf || c == p.delim {
			return false
		}
	}
	return true
}

func (p *Part) text(v reflect.Value) (string, error) {
	switch p.Kind {
	case Bool:
		return strconv.FormatBool(v.Bool()), nil
	case Time:
		return p.timeText(v.Convert(timeType).Interface().(time.Time))
	case Bytes:
		b := make([]byte, v.Len())
		reflect.Copy(reflect.ValueOf(b), v)
		return hex.EncodeToString(b), nil
	case Integer, Decimal:
		digits, err := decimalText(v)
		if err != nil || digits == "" {
			return "", err
		}
		return p.pad(digits)
	}
	if v.Kind() == reflect.String && (v.Type() == stringType || !v.Type().Implements(textMarshaler)) {
		return v.String(), nil
	}
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		b, err := m.MarshalText()
		if err != nil {
			return "", &usercode.Error{Method: "MarshalText", Err: err}
		}
		return string(b), nil
	}
	return v.String(), nil
}

func (p *Part) timeText(t time.Time) (string, error) {
	t = t.UTC()
	if t.Year() < 0 || t.Year() > 9999 {
		return "", fmt.Errorf("year outside 0 to 9999")
	}
	if p.layout != "" {
		return t.Format(p.layout), nil
	}
	return t.Format(TimeLayout), nil
}

// decimalText is the plain decimal text of a number, without exponent.
func decimalText(v reflect.Value) (string, error) {
	switch v.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.FormatUint(v.Uint(), 10), nil
	case reflect.Float32:
		return strconv.FormatFloat(v.Float(), 'f', -1, 32), nil
	case reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'f', -1, 64), nil
	case reflect.String:
		return v.String(), nil
	}
	i := v.Interface().(big.Int)
	return i.String(), nil
}

// pad writes a number so that texts sort like numbers: zeros in front, and for a
// negative number "-" and the ten's complement, so that -2 comes before -1.
func (p *Part) pad(digits string) (string, error) {
	whole, frac, _ := strings.Cut(digits, ".")
	whole, negative := strings.CutPrefix(whole, "-")
	if !isDigits(whole) || frac != "" && !isDigits(frac) {
		return "", fmt.Errorf("not a plain decimal number")
	}
	whole = strings.TrimLeft(whole, "0")
	frac = strings.TrimRight(frac, "0")
	if whole == "" && frac == "" {
		negative = false
	}
	if p.width == 0 {
		if whole == "" {
			whole = "0"
		}
		if negative {
			whole = "-" + whole
		}
		return whole, nil
	}
	if len(whole) > p.width || len(frac) > p.decs {
		return "", fmt.Errorf("has more digits than {%s:%s} holds", p.Name, p.spec())
	}
	all := strings.Repeat("0", p.width-len(whole)) + whole + frac + strings.Repeat("0", p.decs-len(frac))
	if negative {
		all = tensComplement(all)
	}
	if p.decs > 0 {
		all = all[:p.width] + "." + all[p.width:]
	}
	if negative {
		all = "-" + all
	}
	return all, nil
}

func (p Part) spec() string {
	if p.decs > 0 {
		return fmt.Sprintf("0%d.%d", p.width, p.decs)
	}
	return fmt.Sprintf("0%d", p.width)
}

func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// tensComplement is 10^len(digits) - digits, in as many digits. digits is not zero.
func tensComplement(digits string) string {
	out := []byte(digits)
	i := len(out) - 1
	for out[i] == '0' {
		i--
	}
	out[i] = '0' + '0' + 10 - out[i]
	for i--; i >= 0; i-- {
		out[i] = '0' + '9' - out[i]
	}
	return string(out)
}

// Head is the part's text at the beginning of rest, whatever follows it.
func (p Part) Head(rest string) string {
	n := p.length(rest, "", false)
	return rest[:min(n, len(rest))]
}

// length finds where the part ends in rest, given the literal that follows; -1 if it cannot.
func (p Part) length(rest, next string, last bool) int {
	switch {
	case p.fixed():
		n := p.width
		if p.Kind == Time {
			n = len(TimeLayout)
		} else if p.decs > 0 {
			n += 1 + p.decs
		}
		if p.Kind != Time && strings.HasPrefix(rest, "-") {
			n++
		}
		return n
	case last && next == "":
		return len(rest)
	default:
		class := p.class()
		for i := range len(rest) {
			if !class.has(rest[i]) {
				return i
			}
		}
		return len(rest)
	}
}

// accepts says whether Format can have made the text.
func (p Part) accepts(text string) bool {
	if text == "" || !utf8.ValidString(text) {
		return false
	}
	switch p.Kind {
	case Bool:
		return text == "true" || text == "false"
	case Time:
		if p.layout != "" {
			_, err := time.Parse(p.layout, text)
			return err == nil
		}
		t, err := time.Parse(time.RFC3339Nano, text)
		return err == nil && t.Format(TimeLayout) == text
	case Bytes:
		b, err := hex.DecodeString(text)
		return err == nil && hex.EncodeToString(b) == text
	case Integer, Decimal:
		digits, ok := p.unpad(text)
		if !ok {
			return false
		}
		again, err := p.pad(digits)
		return err == nil && again == text
	}
	if p.escaped {
		plain, ok := unescape(text, p.delim)
		return ok && escape(plain, p.delim) == text
	}
	return p.raw || strings.IndexByte(text, p.delim) < 0
}

func (p Part) unpad(text string) (string, bool) {
	body, negative := strings.CutPrefix(text, "-")
	whole, frac, _ := strings.Cut(body, ".")
	if whole == "" || !isDigits(whole) || !isDigits(frac) {
		return "", false
	}
	if p.width > 0 && negative {
		all := whole + frac
		if strings.Trim(all, "0") == "" {
			return "", false
		}
		all = tensComplement(all)
		whole, frac = all[:len(whole)], all[len(whole):]
	}
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	if negative {
		whole = "-" + whole
	}
	if frac = strings.TrimRight(frac, "0"); frac != "" {
		whole += "." + frac
	}
	return whole, true
}

// Scan puts the value that text stands for into dst, the inverse of Format.
func (p Part) Scan(text string, dst reflect.Value) error {
	for dst.Kind() == reflect.Pointer {
		dst.Set(reflect.New(dst.Type().Elem()))
		dst = dst.Elem()
	}
	bad := fmt.Errorf("{%s}: the key holds no valid text for %s", p.Name, dst.Type())
	if !p.accepts(text) {
		return bad
	}
	switch p.Kind {
	case Bool:
		dst.SetBool(text == "true")
		return nil
	case Time:
		layout := p.layout
		if layout == "" {
			layout = time.RFC3339Nano
		}
		t, err := time.Parse(layout, text)
		if err != nil {
			return bad
		}
		dst.Set(reflect.ValueOf(t.UTC()).Convert(dst.Type()))
		return nil
	case Bytes:
		b, _ := hex.DecodeString(text)
		if dst.Kind() == reflect.Slice {
			dst.Set(reflect.MakeSlice(dst.Type(), len(b), len(b)))
		} else if dst.Len() != len(b) {
			return bad
		}
		reflect.Copy(dst, reflect.ValueOf(b))
		return nil
	case Integer, Decimal:
		digits, _ := p.unpad(text)
		return scanNumber(digits, dst, bad)
	}
	if p.escaped {
		text, _ = unescape(text, p.delim)
	}
	if u, ok := dst.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if err := u.UnmarshalText([]byte(text)); err != nil {
			return &usercode.Error{Method: "UnmarshalText", Err: err}
		}
		return nil
	}
	dst.SetString(text)
	return nil
}

func scanNumber(digits string, dst reflect.Value, bad error) error {
	switch dst.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(digits, 10, dst.Type().Bits())
		if err != nil {
			return bad
		}
		dst.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, err := strconv.ParseUint(digits, 10, dst.Type().Bits())
		if err != nil {
			return bad
		}
		dst.SetUint(n)
	case reflect.Float32, reflect.Float64:
		n, err := strconv.ParseFloat(digits, dst.Type().Bits())
		if err != nil {
			return bad
		}
		dst.SetFloat(n)
	case reflect.String:
		dst.SetString(digits)
	default:
		n, ok := new(big.Int).SetString(digits, 10)
		if !ok {
			return bad
		}
		dst.Addr().Interface().(*big.Int).Set(n)
	}
	return nil
}
