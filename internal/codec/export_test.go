package codec

import "reflect"

// CompileGeneral compiles a plan that knows no quick road, so that tests can hold
// the two against each other.
func CompileGeneral(t reflect.Type, o Options) (*Plan, error) {
	p, err := Compile(t, o)
	if err == nil {
		p.slow(map[any]bool{})
	}
	return p, err
}

func (p *Plan) slow(seen map[any]bool) {
	if p == nil || seen[p] {
		return
	}
	seen[p] = true
	p.texts, p.strings, p.numbers, p.others = nil, 0, 0, 0
	for _, f := range p.Fields {
		f.op = opNone
		f.Value.slow(seen)
	}
}

func (x *Value) slow(seen map[any]bool) {
	if x == nil || seen[x] {
		return
	}
	seen[x] = true
	x.op = opNone
	x.Elem.slow(seen)
	x.Struct.slow(seen)
}
