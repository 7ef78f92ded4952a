//go:build !unix

package pair

import "time"

func now() time.Duration { return wall() }
