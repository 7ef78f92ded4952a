package memdb

import (
	"slices"
	"strings"
)

const maxTags = 50

type tagResourceInput struct {
	ResourceArn *string
	Tags        []tag
	TagKeys     []string
}

type emptyOutput struct{}

type listTagsOutput struct{ Tags []tag }

// tagged finds the table of an ARN. Where strict is set an unknown one is answered as
// if it belonged to somebody else, which is what the service does when tags are listed.
func (e *Engine) tagged(in *tagResourceInput, strict bool) (*table, error) {
	var c checker
	c.required("resourceArn", in.ResourceArn != nil)
	if err := c.err(); err != nil {
		return nil, err
	}
	arn := *in.ResourceArn
	if !strings.HasPrefix(arn, "arn:") || !strings.Contains(arn, ":table/") {
		return nil, invalidParameter("Invalid TableArn: Invalid ResourceArn provided as input %s", arn)
	}
	t := e.tables[tableName(arn)]
	if t == nil || t.arn != arn || t.gone(e.now()) {
		if strict {
			return nil, &apiError{Type: "AccessDeniedException", Message: "memdb knows no resource " + arn}
		}
		return nil, notFound("Requested resource not found: ResourceArn: %s not found", arn)
	}
	return t, nil
}

func (e *Engine) tagResource(in *tagResourceInput) (*emptyOutput, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t, err := e.tagged(in, false)
	if err != nil {
		return nil, err
	}
	if len(in.Tags) == 0 {
		return nil, invalidParameter("At least one tag is required")
	}
	tags := slices.Clone(t.tags)
	for _, n := range in.Tags {
		if n.Key == "" || len(n.Key) > 128 || len(n.Value) > 256 {
			return nil, invalidParameter("A tag has a key of 1 to 128 and a value of 0 to 256 characters")
		}
		i := slices.IndexFunc(tags, func(o tag) bool { return o.Key == n.Key })
		if i >= 0 {
			tags[i] = n
		} else {
			tags = append(tags, n)
		}
	}
	if len(tags) > maxTags {
		return nil, &apiError{Type: "LimitExceededException", Message: "Subscriber limit exceeded: too many tags on the resource"}
	}
	t.tags = tags
	return &emptyOutput{}, nil
}

func (e *Engine) untagResource(in *tagResourceInput) (*emptyOutput, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t, err := e.tagged(in, false)
	if err != nil {
		return nil, err
	}
	if len(in.TagKeys) == 0 {
		return nil, invalidParameter("At least one tag key is required")
	}
	t.tags = slices.DeleteFunc(slices.Clone(t.tags), func(o tag) bool { return slices.Contains(in.TagKeys, o.Key) })
	return &emptyOutput{}, nil
}

func (e *Engine) listTagsOfResource(in *tagResourceInput) (*listTagsOutput, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	t, err := e.tagged(in, true)
	if err != nil {
		return nil, err
	}
	return &listTagsOutput{append([]tag{}, t.tags...)}, nil
}

type describeLimitsOutput struct {
	AccountMaxReadCapacityUnits, AccountMaxWriteCapacityUnits int64
	TableMaxReadCapacityUnits, TableMaxWriteCapacityUnits     int64
}

func (e *Engine) describeLimits(*emptyOutput) (*describeLimitsOutput, error) {
	return &describeLimitsOutput{80000, 80000, 40000, 40000}, nil
}

type endpoint struct {
	Address              string
	CachePeriodInMinutes int64
}

type describeEndpointsOutput struct{ Endpoints []endpoint }

func (e *Engine) describeEndpoints(*emptyOutput) (*describeEndpointsOutput, error) {
	return &describeEndpointsOutput{[]endpoint{{"dynamodb." + e.options.Region + ".amazonaws.com", 1440}}}, nil
}
