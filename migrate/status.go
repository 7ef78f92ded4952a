package migrate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/raw"
)

// State is how a migration stands. One that was never begun has only its ID and Name.
type State struct {
	ID        int64
	Name      string
	Applied   bool
	AppliedAt time.Time // zero unless it is applied
	BegunAt   time.Time // of the last run
	By        string    // who ran it last, see [lease.Holder]
	Dirty     bool      // begun and not finished, up or down
	Undoing   bool      // it is Dirty because it was being taken back
	Unknown   bool      // recorded, and not one of the program's
	Changed   bool      // recorded as another than the program's, see [ErrChanged]
}

// Status tells how every migration stands, the program's and those recorded, by number. It is one consistent read, and takes no lease. Who is at work now is
// in [lease.Store.Load] of "migrations", or "migrations:" and the set's name.
func (s *Set) Status(ctx context.Context) ([]State, error) {
	r, err := s.store.Load(ctx, s.record)
	if err != nil {
		return nil, err
	}
	done, err := readJournal(r.Data)
	if err != nil {
		return nil, err
	}
	ids := done.ids()
	for _, m := range s.migrations {
		ids = append(ids, m.ID)
	}
	slices.Sort(ids)
	var all []State
	for _, id := range slices.Compact(ids) {
		e, begun := done[id]
		m := s.find(id)
		state := State{ID: id, Name: e.name, BegunAt: e.begun, By: e.by, Applied: e.isApplied(), Dirty: begun && !e.isApplied(), Undoing: e.down, Unknown: m == nil}
		if state.Applied {
			state.AppliedAt = e.applied
		}
		if m != nil {
			state.Name, state.Changed = m.Name, begun && e.changed(m)
		}
		all = append(all, state)
	}
	return all, nil
}

// journal is what is recorded of a set: the data of its record.
type journal map[int64]entry

// entry is what is recorded of a migration that was begun.
type entry struct {
	name, checksum string
	begun, applied time.Time // the latter is zero until Up is finished
	by             string
	down           bool // being taken back
	state          item // what Run.Save keeps
}

func (j journal) ids() []int64 { return slices.Sorted(maps.Keys(j)) }

func (e entry) isApplied() bool { return !e.applied.IsZero() && !e.down }

// changed says that a migration is not the recorded one. A function that has failed may be mended, so until it is applied its checksum may change.
func (e entry) changed(m *Migration) bool {
	return e.name != m.Name || e.isApplied() && e.checksum != "" && m.Checksum != "" && e.checksum != m.Checksum
}

// begin is the entry of a run that begins. What was saved is kept if the last run went the same way.
func (e entry) begin(next step, now time.Time, by string) entry {
	if e.state == nil || e.down != next.down {
		e.state = item{}
	}
	if !next.down {
		e.checksum, e.applied = next.Checksum, time.Time{}
	}
	e.name, e.begun, e.by, e.down = next.Name, now, by, next.down
	return e
}

// end is the entry of a migration that is applied.
func (e entry) end(now time.Time) entry {
	e.applied, e.state = now, nil
	return e
}

func key(id int64) string { return strconv.FormatInt(id, 10) }

func (e entry) stored() types.AttributeValue {
	stored := item{"name": raw.Text(e.name), "begun": raw.Text(e.begun.UTC().Format(time.RFC3339Nano)), "by": raw.Text(e.by)}
	if e.checksum != "" {
		stored["checksum"] = raw.Text(e.checksum)
	}
	if !e.applied.IsZero() {
		stored["applied"] = raw.Text(e.applied.UTC().Format(time.RFC3339Nano))
	}
	if e.down {
		stored["down"] = raw.Bool(true)
	}
	if len(e.state) > 0 {
		stored["state"] = &types.AttributeValueMemberM{Value: e.state}
	}
	return &types.AttributeValueMemberM{Value: stored}
}

var errJournal = errors.New("migrate: what is recorded cannot be read: another program's, or a newer version's")

func readJournal(data item) (journal, error) {
	all := journal{}
	for name, av := range data {
		id, err := strconv.ParseInt(name, 10, 64)
		m, ok := av.(*types.AttributeValueMemberM)
		if err != nil || !ok {
			return nil, errJournal
		}
		e := entry{name: raw.TextOf(m.Value["name"]), checksum: raw.TextOf(m.Value["checksum"]), by: raw.TextOf(m.Value["by"])}
		if down, ok := m.Value["down"].(*types.AttributeValueMemberBOOL); ok {
			e.down = down.Value
		}
		if state, ok := m.Value["state"].(*types.AttributeValueMemberM); ok {
			e.state = state.Value
		}
		for attr, at := range map[string]*time.Time{"begun": &e.begun, "applied": &e.applied} {
			if stored := raw.TextOf(m.Value[attr]); stored != "" {
				if *at, err = time.Parse(time.RFC3339Nano, stored); err != nil {
					return nil, fmt.Errorf("%w: the time of migration %d", errJournal, id)
				}
			}
		}
		all[id] = e
	}
	return all, nil
}
