package memdb

import (
	"fmt"
	"slices"
	"strings"
)

// checker collects broken constraints of a request, which the service reports
// together, before it looks at anything else.
type checker struct{ broken []string }

func (c *checker) addf(format string, args ...any) {
	c.broken = append(c.broken, fmt.Sprintf(format, args...))
}

func (c *checker) err() error {
	switch n := len(c.broken); n {
	case 0:
		return nil
	case 1:
		return invalid("1 validation error detected: %s", c.broken[0])
	default:
		return invalid("%d validation errors detected: %s", n, strings.Join(c.broken, "; "))
	}
}

func (c *checker) required(field string, present bool) {
	if !present {
		c.addf("Value null at '%s' failed to satisfy constraint: Member must not be null", field)
	}
}

func (c *checker) enum(field, v string, allowed ...string) {
	if v != "" && !slices.Contains(allowed, v) {
		c.addf("Value '%s' at '%s' failed to satisfy constraint: Member must satisfy enum value set: [%s]", v, field, strings.Join(allowed, ", "))
	}
}

func (c *checker) capacity(v string) {
	c.enum("returnConsumedCapacity", v, "INDEXES", "TOTAL", "NONE")
}

func (c *checker) metrics(v string) {
	c.enum("returnItemCollectionMetrics", v, "SIZE", "NONE")
}

func (c *checker) onFailure(v string) {
	c.enum("returnValuesOnConditionCheckFailure", v, "ALL_OLD", "NONE")
}

func (c *checker) returnValues(v string) {
	c.enum("returnValues", v, "ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW")
}

// table checks the form of a table's name, which may be an ARN, alone: a broken
// name is reported before anything else.
func checkTableName(name *string) error {
	var c checker
	c.required("tableName", name != nil)
	if name != nil {
		c.length("tableName", *name, 1, 1024)
		bare := tableName(*name)
		if len(c.broken) == 0 && bare == *name {
			c.length("tableName", *name, 1, 255)
		}
		if bare != "" {
			c.pattern("tableName", bare)
		}
	}
	return c.err()
}

func (c *checker) length(field, v string, low, high int) {
	switch {
	case len(v) < low:
		c.addf("Value '%s' at '%s' failed to satisfy constraint: Member must have length greater than or equal to %d", v, field, low)
	case len(v) > high:
		c.addf("Value '%s' at '%s' failed to satisfy constraint: Member must have length less than or equal to %d", v, field, high)
	}
}

func (c *checker) pattern(field, v string) {
	for i := range len(v) {
		b := v[i]
		if b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b == '.' || b == '-' {
			continue
		}
		c.addf("Value '%s' at '%s' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+", v, field)
		return
	}
}

// tableName strips an ARN down to the name of its table.
func tableName(s string) string {
	if strings.HasPrefix(s, "arn:") {
		if i := strings.Index(s, ":table/"); i >= 0 {
			name, _, _ := strings.Cut(s[i+len(":table/"):], "/")
			return name
		}
	}
	return s
}
