package monotable

import (
	"context"
	"reflect"
	"slices"
)

// querySpec is a query free of type parameters. It is immutable: what changes it gives a changed copy. nil is the zero query, an error in use.
type querySpec struct {
	model      *model
	options    options
	scan       bool
	key        reflect.Value // frozen
	index      string
	sort       []*condNode
	filters    []*condNode
	descending bool
	limit      int
	pageSize   int
	cursor     Cursor
	smaller    reflect.Type // of a View
	view       *view        // the same, compiled
	counting   bool         // reads no attributes
	hydrate    bool
	maxPages   int
	maxUnits   float64
	segment    int // of a scan
	segments   int // 0 where the scan is not divided
	parallel   bool
	members    []*model   // of a collection
	sortTexts  *sortTexts // of a collection
	err        error
}

var errZeroQuery = invalidf("this Query was not made by an Entity")

//go:noinline
func (s *querySpec) copy() *querySpec {
	if s == nil {
		return &querySpec{err: errZeroQuery}
	}
	own := *s
	return &own
}

func (s *querySpec) with(opts []Option) *querySpec {
	s = s.copy()
	s.options = s.options.with(opts)
	return s
}

func (s *querySpec) onIndex(name string) *querySpec {
	s = s.copy()
	s.index = name
	return s
}

func (s *querySpec) sorted(conds []*condNode) *querySpec {
	s = s.copy()
	s.sort = slices.Concat(s.sort, conds)
	return s
}

func (s *querySpec) filtered(conds []*condNode) *querySpec {
	s = s.copy()
	s.filters = slices.Concat(s.filters, conds)
	return s
}

func (s *querySpec) backwards() *querySpec {
	s = s.copy()
	s.descending = true
	return s
}

func (s *querySpec) limitedTo(n int) *querySpec {
	s = s.copy()
	s.limit = n
	return s.refusedIf(n < 1, "Limit %d: it must be at least 1; without Limit there is none", n)
}

func (s *querySpec) inPagesOf(n int) *querySpec {
	s = s.copy()
	s.pageSize = n
	return s.refusedIf(n < 1, "PageSize %d: it must be at least 1; without PageSize a request reads up to 1 MB", n)
}

func (s *querySpec) forPages(n int) *querySpec {
	s = s.copy()
	s.maxPages = n
	return s.refusedIf(n < 1, "MaxPages %d: it must be at least 1; without MaxPages there is no bound", n)
}

func (s *querySpec) forUnits(units float64) *querySpec {
	s = s.copy()
	s.maxUnits = units
	return s.refusedIf(!(units > 0), "MaxUnits %g: it must be above 0; without MaxUnits there is no bound", units)
}

func (s *querySpec) hydrated() *querySpec {
	s = s.copy()
	s.hydrate = true
	return s
}

func (s *querySpec) from(c Cursor) *querySpec {
	s = s.copy()
	s.cursor = c
	return s
}

func (s *querySpec) ofSegment(segment, total int) *querySpec {
	s = s.copy()
	s.segment, s.segments, s.parallel = segment, total, false
	return s.refusedIf(segment < 0 || segment >= total || total > maxSegments, "Segment %d of %d", segment, total)
}

func (s *querySpec) inParallel(segments int) *querySpec {
	s = s.copy()
	s.segment, s.segments, s.parallel = 0, segments, true
	return s.refusedIf(segments < 1 || segments > maxSegments, "Parallel %d", segments)
}

// as reads into a smaller struct.
func (s *querySpec) as(smaller reflect.Type) *querySpec {
	s = s.copy()
	s.smaller = smaller
	return s
}

// refusedIf notes a mistake on a copy that was just made.
func (s *querySpec) refusedIf(wrong bool, format string, args ...any) *querySpec {
	if wrong {
		s.err = because(s.err, invalidf(format, args...))
	}
	return s
}

// plan compiles the query. The plan has a copy of its own, for its requests point into it and are the caller's to change.
func (s *querySpec) plan() (*readPlan, error) {
	s = s.copy()
	if s.model == nil {
		return nil, s.err
	}
	if s.smaller != nil {
		var err error
		if s.view, err = s.model.view(s.smaller); err != nil {
			return nil, err
		}
	}
	return s.model.compileQuery(s)
}

// forward is the plan of what reads on from where it begins. Only Page can read backwards.
func (s *querySpec) forward() (*readPlan, error) {
	p, err := s.plan()
	if err == nil && p.start.back {
		return nil, invalidf("a Prev cursor leads back, which Page alone can")
	}
	return p, err
}

func (s *querySpec) begin(ctx context.Context) (context.Context, verb) {
	name := "Query"
	if s == nil || s.model == nil {
		return ctx, verb{name: name}
	}
	if s.scan {
		name = "Scan"
	}
	return s.options.begin(ctx, s.model.table, name, s.model.name, s.index)
}

func (s *querySpec) request() (any, error) {
	p, err := s.plan()
	if err != nil {
		return nil, err
	}
	return p.request(p.start, s.limit), nil
}

func (s *querySpec) explain() (Plan, error) {
	p, err := s.plan()
	if err != nil {
		return Plan{}, err
	}
	return p.explain(), nil
}

func (s *querySpec) count(ctx context.Context) (int, error) {
	s = s.copy()
	s.counting = true
	ctx, v := s.begin(ctx)
	p, err := s.forward()
	if err != nil {
		return 0, v.end(ctx, err, 0)
	}
	n, err := p.count(ctx)
	return n, v.end(ctx, err, n)
}
