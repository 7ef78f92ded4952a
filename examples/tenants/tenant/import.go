package tenant

import (
	"context"
	"sync"
	"time"
)

// importers is how many users Import creates at the same time.
const importers = 8

// Import creates many users, perSecond at most, and tells how far it is, never twice at the same time; a nil tell tells nobody. Less than one a second
// counts as one. Users have unique values, which no batch can guard, so each is a transaction of its own: one who is refused keeps nobody else out. It gives
// the error of each user, in their order; nil is stored. The same call again stores who is missing: the others are ErrAlreadyExists then.
func (s *Service) Import(ctx context.Context, users []User, perSecond int, tell func(done, total int)) []error {
	errs := make([]error, len(users))
	slots := make(chan struct{}, importers)
	pace := time.NewTicker(time.Second / time.Duration(min(max(perSecond, 1), int(time.Second))))
	defer pace.Stop()
	var running sync.WaitGroup
	var lock sync.Mutex
	var done int
	for i, u := range users {
		select {
		case <-pace.C:
		case <-ctx.Done(): // what is left fails with its error, and nothing is sent
		}
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			_, errs[i] = s.CreateUser(ctx, u)
			lock.Lock()
			defer lock.Unlock()
			done++
			if tell != nil {
				tell(done, len(users))
			}
		})
	}
	running.Wait()
	return errs
}
