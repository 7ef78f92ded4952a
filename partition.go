package monotable

import (
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/keytmpl"
)

// sortTexts narrow a partition by the text of its sort keys.
type sortTexts struct {
	prefix    string
	low, high string
	between   bool
}

func (s *querySpec) narrowedTo(texts *sortTexts) *querySpec {
	twice := s != nil && s.sortTexts != nil
	s = s.copy()
	s.sortTexts = texts
	return s.refusedIf(twice, "a Partition takes one SortPrefix or SortBetween").
		refusedIf(!utf8.ValidString(texts.prefix+texts.low+texts.high), "a text for the sort key is no valid UTF-8")
}

// collection compiles what a partition is narrowed by, and checks that all members have their items in it.
func (k *keyCompiler) collection() error {
	p := k.plan
	for _, m := range p.spec.members {
		set := m.primary
		if p.spec.index != "" {
			if set = m.indexes[p.spec.index]; set == nil {
				return invalidf("%s is not in index %q: it has no template for it in Schema.Indexes", m.name, p.spec.index)
			}
		}
		for i, attr := range set.partition {
			if !attr.canBe(m, p.equal[p.set.partition[i].Name]) {
				return invalidf("%s has no items in this partition: its template for %s makes other keys", m.name, attr.Name)
			}
		}
	}
	if p.spec.sortTexts == nil {
		return k.sortKey()
	}
	return k.sortTexts(p.spec.sortTexts)
}

// canBe says whether the key attribute of an item could have the value.
func (k *keyAttr) canBe(m *model, av types.AttributeValue) bool {
	s, isText := av.(*types.AttributeValueMemberS)
	switch {
	case k.tag:
		return isText && m.owns(s.Value)
	case k.tmpl != nil && isText:
		_, ok := k.tmpl.Match(s.Value)
		return ok
	}
	return true
}

// sharesPartition says whether both templates could make one partition key.
func (s *keySet) sharesPartition(other *keySet) bool {
	if s == nil || other == nil {
		return false
	}
	for i, a := range s.partition {
		b := other.partition[i]
		if a.tag != b.tag || a.tag || a.tmpl != nil && b.tmpl != nil && !keytmpl.Overlap(a.tmpl, b.tmpl) {
			return false
		}
	}
	return true
}

// sortTexts compares the sort key as text.
func (k *keyCompiler) sortTexts(s *sortTexts) error {
	p := k.plan
	switch {
	case len(p.spec.sort) > 0:
		return invalidf("a Partition takes conditions on the sort key, SortPrefix or SortBetween, not several of them")
	case len(p.set.sort) == 0 || p.set.sort[0].Type != types.ScalarAttributeTypeS:
		return invalidf("SortPrefix and SortBetween need a sort key that is text")
	case max(len(s.prefix), len(s.low), len(s.high)) > maxSortKey:
		return tooLong(max(len(s.prefix), len(s.low), len(s.high)))
	case s.between && (s.low == "" || s.high == ""):
		return invalidf("SortBetween with an empty text")
	case s.between && s.low > s.high:
		return invalidf("SortBetween with low above high")
	}
	name := k.top(p.set.sort[0].Name)
	switch {
	case s.between:
		k.key = append(k.key, name.Between(text(s.low), text(s.high)))
	case s.prefix != "":
		k.key = append(k.key, name.BeginsWith(s.prefix))
	}
	p.bind("texts", s.prefix, s.low, s.high)
	return nil
}

// atOrUnder narrows a collection to what stands at the key that the template's parts make, or under it behind a delimiter.
func (k *keyCompiler) atOrUnder(name term, attr *keyAttr, texts []string) error {
	if len(texts) == 0 {
		return nil
	}
	prefix, complete := attr.tmpl.Prefix(texts)
	if !complete {
		return k.begins(name, prefix, false)
	}
	under := prefix + string(k.m.table.delimiter)
	if len(prefix) > maxSortKey {
		return tooLong(len(prefix))
	}
	// Between them are keys like "ORDER#7!", which are neither.
	k.key = append(k.key, name.Between(text(prefix), text(last(under))))
	k.plan.inRange = func(key string) bool { return key == prefix || strings.HasPrefix(key, under) }
	k.plan.bind("under", prefix)
	return nil
}

// rangeWithChildren has a range go on to what stands under its last key, and compares the part alone where the keys' texts compare otherwise.
func (k *keyCompiler) rangeWithChildren(r *keyRange, op condOp, operands []string) {
	delimiter := string(k.m.table.delimiter)
	if r.last {
		r.last, r.closing = false, delimiter
	}
	base, of := r.base, r.part
	k.plan.inRange = func(key string) bool {
		rest, ok := strings.CutPrefix(key, base)
		part := of.Head(rest)
		switch op {
		case opGt:
			return ok && part > operands[0]
		case opGe:
			return ok && part >= operands[0]
		case opLt:
			return ok && part < operands[0]
		case opLe:
			return ok && part <= operands[0]
		}
		return ok && part >= operands[0] && part <= operands[1]
	}
}

// projectsMembers refuses an index that does not hold all of each member.
func (k *keyCompiler) projectsMembers() error {
	for _, m := range k.plan.spec.members {
		for _, f := range m.plan.Fields {
			if !k.plan.set.projects(&m.table.primary, f.Name) {
				return invalidf("index %q does not project %s of %s", k.plan.spec.index, f.Name, m.name)
			}
		}
		if m.upgrading && k.plan.partial() {
			return invalidf("index %q does not project ALL, so the upgrades of %s cannot run", k.plan.spec.index, m.name)
		}
		if m.expires != nil && !k.plan.set.projects(&m.table.primary, m.expires.path[0].name) {
			return invalidf("index %q does not project %s, so expired items cannot be told", k.plan.spec.index, m.expires)
		}
	}
	return nil
}
