package codec

import (
	"reflect"
	"time"
)

// scalar reads a string, and what is written as one, from behind its quote.
func (p *Page) scalar(v *wireValue, i int, dst reflect.Value) (int, bool) {
	switch v.op {
	case wireBytes:
		return p.binary(i-1, dst)
	case wireInt:
		if n, end, ok := p.digits(i, v.size); ok {
			dst.SetInt(n)
			return end, true
		}
	case wireUnixTime:
		if sec, end, ok := p.digits(i, 64); ok {
			v.setTime(dst, time.Unix(sec, 0))
			return end, true
		}
	case wireTime:
		if end := i + len(TimeFormat); end < len(p.r.Data) && p.r.Data[end] == '"' && v.layout == time.RFC3339Nano {
			if t, ok := parseTime(p.r.Data[i:end]); ok {
				v.setTime(dst, t)
				return end + 1, true
			}
		}
	}
	b, end, err := p.r.Rest(i)
	if err != nil {
		return 0, false
	}
	switch v.op {
	case wireString:
		dst.SetString(p.r.Cut(b))
	case wireInt:
		n, err := parseInt(string(b), v.size)
		if err != nil {
			return 0, false
		}
		dst.SetInt(n)
	case wireUint:
		n, err := parseUint(string(b), v.size)
		if err != nil {
			return 0, false
		}
		dst.SetUint(n)
	case wireFloat:
		f, err := floatOf(b, v.size)
		if err != nil {
			return 0, false
		}
		dst.SetFloat(f)
	case wireNumberText:
		if CheckNumber(string(b)) != nil {
			return 0, false
		}
		dst.SetString(p.r.Cut(b))
	case wireTime:
		t, err := time.Parse(v.layout, string(b))
		if err != nil {
			return 0, false
		}
		v.setTime(dst, t)
	case wireUnixTime:
		sec, err := parseInt(string(b), 64)
		if err != nil {
			return 0, false
		}
		v.setTime(dst, time.Unix(sec, 0))
	default:
		return 0, false
	}
	return end, true
}

func (v *wireValue) setTime(dst reflect.Value, t time.Time) {
	if v.isTime {
		*dst.Addr().Interface().(*time.Time) = t.UTC()
		return
	}
	setTime(dst, t)
}

// digits reads an integer as DynamoDB writes it, if it surely fits into so many bits.
func (p *Page) digits(i, bits int) (n int64, end int, ok bool) {
	const most = 18 // that fit into an int64
	data := p.r.Data[i:min(i+most+2, len(p.r.Data))]
	begin := 0
	if len(data) > 0 && data[0] == '-' {
		begin = 1
	}
	for k := begin; k < len(data); k++ {
		c := data[k] - '0'
		if c <= 9 {
			n = n*10 + int64(c)
			continue
		}
		if data[k] != '"' || k == begin || k > begin+most {
			break
		}
		if begin == 1 {
			n = -n
		}
		unused := 64 - bits
		return n, i + k + 1, n<<unused>>unused == n
	}
	return 0, 0, false
}

func floatOf(b []byte, bits int) (float64, error) {
	if bits == 64 {
		if f, ok := exactFloat(b); ok {
			return f, nil
		}
	}
	return parseFloat(string(b), bits)
}

// binary begins at the quote.
func (p *Page) binary(i int, dst reflect.Value) (int, bool) {
	b, end, err := p.r.Bytes(i)
	switch {
	case err != nil:
		return 0, false
	case dst.Kind() == reflect.Slice:
		dst.SetBytes(b)
	case dst.Len() != len(b):
		return 0, false
	default:
		copy(dst.Bytes(), b)
	}
	return end, true
}
