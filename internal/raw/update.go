package raw

import (
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// DynamoDB's limits on an expression.
const (
	maxBytes     = 4096
	maxOperators = 300
)

// Update collects the expressions of one conditional write. It is made with [NewUpdate].
type Update struct {
	set, remove  []string
	where        []string
	whereBytes   int
	placeholders map[string]string // by name

	Names  map[string]string // of attributes, by placeholder
	Values Item              // by placeholder
}

// NewUpdate changes nothing yet.
func NewUpdate() *Update {
	return &Update{placeholders: map[string]string{}, Names: map[string]string{}, Values: Item{}}
}

// name gives a path of attribute names as placeholders, one for each name.
func (u *Update) name(path []string) string {
	placeholders := make([]string, 0, len(path))
	for _, part := range path {
		placeholder := u.placeholders[part]
		if placeholder == "" {
			placeholder = "#n" + strconv.Itoa(len(u.Names))
			u.placeholders[part], u.Names[placeholder] = placeholder, part
		}
		placeholders = append(placeholders, placeholder)
	}
	return strings.Join(placeholders, ".")
}

func (u *Update) value(av types.AttributeValue) string {
	placeholder := ":v" + strconv.Itoa(len(u.Values))
	u.Values[placeholder] = av
	return placeholder
}

// Set sets the attribute at a path.
func (u *Update) Set(av types.AttributeValue, path ...string) {
	u.set = append(u.set, u.name(path)+" = "+u.value(av))
}

// Remove removes the attribute at a path.
func (u *Update) Remove(path ...string) { u.remove = append(u.remove, u.name(path)) }

// Equal adds the condition that the attribute at a path has a value.
func (u *Update) Equal(av types.AttributeValue, path ...string) {
	u.condition(u.name(path) + " = " + u.value(av))
}

const and = " AND "

func (u *Update) condition(text string) {
	u.where = append(u.where, text)
	u.whereBytes += len(text) + len(and)
}

// Full says that there may be no room for a condition more on an attribute at the top.
func (u *Update) Full() bool {
	const longest = len("attribute_not_exists(#n9999)")
	return 2*len(u.where)+1 > maxOperators || u.whereBytes+longest > maxBytes
}

// TooLong says that DynamoDB refuses what is set and removed, for the length of its text.
func (u *Update) TooLong() bool { return len(*u.Expression()) > maxBytes }

// Exists adds the condition that there is an attribute at a path.
func (u *Update) Exists(path ...string) {
	u.condition("attribute_exists(" + u.name(path) + ")")
}

// Absent adds the condition that there is no attribute at a path.
func (u *Update) Absent(path ...string) {
	u.condition("attribute_not_exists(" + u.name(path) + ")")
}

// Expression is what is set and removed.
func (u *Update) Expression() *string {
	var all []string
	if len(u.set) > 0 {
		all = append(all, "SET "+strings.Join(u.set, ", "))
	}
	if len(u.remove) > 0 {
		all = append(all, "REMOVE "+strings.Join(u.remove, ", "))
	}
	return new(strings.Join(all, " "))
}

// Condition is all conditions together.
func (u *Update) Condition() *string { return new(strings.Join(u.where, and)) }
