//go:build unix

package pair

import (
	"syscall"
	"time"
)

// now is the time this process has been at work, the collector's included: other
// processes that take the processor away do not count.
func now() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return wall()
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
