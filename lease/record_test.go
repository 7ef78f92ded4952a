package lease_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lease"
	"github.com/monotable/monotable/monotabletest"
)

func TestStore_Delete(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	var faults monotabletest.Faults
	s := g.through(&faults, lease.Holder("host a"))
	require.NoError(t, s.Delete(t.Context(), "job"), "there is none")
	require.Len(t, faults.Requests(), 1)

	l, err := s.TryAcquire(t.Context(), "job", time.Hour)
	require.NoError(t, err)
	require.NoError(t, l.Save(t.Context(), rawItem{"a": avN(1)}))
	err = s.Delete(t.Context(), "job")
	require.ErrorIs(t, err, lease.ErrHeld)
	var held *lease.HeldError
	require.ErrorAs(t, err, &held)
	require.Equal(t, "host a", held.Holder)
	require.NoError(t, l.Renew(t.Context()))
	release(t, l)

	require.NoError(t, s.Delete(t.Context(), "job"))
	require.Empty(t, g.item("LEASE#job", "LEASE#job"))
	r, err := s.Load(t.Context(), "job")
	require.NoError(t, err)
	require.Zero(t, r)
	l, err = s.TryAcquire(t.Context(), "job", time.Hour)
	require.NoError(t, err)
	require.EqualValues(t, 1, l.Fence())
	require.Empty(t, l.Data())
	release(t, l)

	require.ErrorIs(t, s.Delete(t.Context(), ""), monotable.ErrInvalid)
	theirs := rawItem{"PK": avS("LEASE#taken"), "SK": avS("LEASE#taken"), "_et": avS("User")}
	g.put(theirs)
	require.ErrorContains(t, s.Delete(t.Context(), "taken"), "no record")
	require.Equal(t, theirs, g.item("LEASE#taken", "LEASE#taken"))
}

// What happens to a record between the look at it and its deletion.
func TestStore_DeleteMeetsAnother(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	plain := g.store(g.client)
	use := func(data rawItem) *lease.Lease {
		l, err := plain.TryAcquire(t.Context(), "job", time.Hour)
		require.NoError(t, err)
		require.NoError(t, l.Save(t.Context(), data))
		return l
	}
	for name, meanwhile := range map[string]func(){
		"acquired":              func() { use(nil) },
		"acquired and released": func() { release(t, use(nil)) },
		"deleted and made again with the same fence": func() {
			require.NoError(t, plain.Delete(t.Context(), "job"))
			release(t, use(rawItem{"a": avN(2)}))
		},
		"deleted and made again with all the same, but held": func() {
			require.NoError(t, plain.Delete(t.Context(), "job"))
			use(rawItem{"a": avN(1)})
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := g.client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &pkSK.Name, Key: keyOf("LEASE#job", "LEASE#job")})
			require.NoError(t, err)
			release(t, use(rawItem{"a": avN(1)}))
			var faults monotabletest.Faults
			met := false
			faults.Between(func(r monotabletest.Request) {
				if r.Operation == "GetItem" && !met {
					met = true
					meanwhile()
				}
			})
			require.ErrorIs(t, g.through(&faults).Delete(t.Context(), "job"), lease.ErrHeld)
			require.NotEmpty(t, g.item("LEASE#job", "LEASE#job"))
		})
	}
}

// One who has seen the record free does not take it from the holder of a later record of the name, whose fence is the same.
func TestStore_DeletedRecordIsNotTaken(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	plain := g.store(g.client)
	l, err := plain.TryAcquire(t.Context(), "job", time.Hour)
	require.NoError(t, err)
	release(t, l)
	var faults monotabletest.Faults
	met := false
	faults.Between(func(r monotabletest.Request) {
		if r.Operation == "GetItem" && !met {
			met = true
			require.NoError(t, plain.Delete(t.Context(), "job"))
			l, err = plain.TryAcquire(t.Context(), "job", time.Hour)
			require.NoError(t, err)
		}
	})
	_, err = g.through(&faults).TryAcquire(t.Context(), "job", time.Hour)
	require.ErrorIs(t, err, lease.ErrHeld)
	require.NoError(t, l.Renew(t.Context()))
	release(t, l)
}

func TestF134_DeleteLostReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := inMemory(t)
		for name, fault := range map[string]monotabletest.Fault{
			"lost": monotabletest.ReplyLost(), "silent": monotabletest.AfterApplying(monotabletest.Silent()), "500": monotabletest.AfterApplying(monotabletest.InternalServerError()),
			"throttled": monotabletest.Throttle(""), "not sent": monotabletest.NotSent(),
		} {
			var faults monotabletest.Faults
			s := g.through(&faults)
			l, err := s.TryAcquire(t.Context(), "job", time.Hour)
			require.NoError(t, err)
			release(t, l)
			faults.Script("DeleteItem", fault, fault)
			require.NoError(t, s.Delete(t.Context(), "job"), name)
			require.Empty(t, g.item("LEASE#job", "LEASE#job"), name)
		}
	})
}

func TestStore_ReadOnly(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	var faults monotabletest.Faults
	s := g.through(&faults)
	l, err := s.TryAcquire(t.Context(), "job", time.Hour)
	require.NoError(t, err)
	require.NoError(t, l.Save(t.Context(), rawItem{"a": avN(1)}))
	release(t, l)
	faults.Reset()

	only := s.ReadOnly()
	require.True(t, only.IsReadOnly())
	require.False(t, s.IsReadOnly())
	require.Equal(t, pkSK.Name, only.Table())
	r, err := only.Load(t.Context(), "job")
	require.NoError(t, err)
	require.Equal(t, rawItem{"a": avN(1)}, r.Data)
	for _, acquire := range []func() (*lease.Lease, error){
		func() (*lease.Lease, error) { return only.TryAcquire(t.Context(), "job", 0) },
		func() (*lease.Lease, error) { return only.Acquire(t.Context(), "job", 0) },
		func() (*lease.Lease, error) { return only.AcquireWait(t.Context(), "job", 0) },
	} {
		_, err = acquire()
		require.ErrorIs(t, err, monotable.ErrInvalid)
	}
	require.ErrorIs(t, only.Delete(t.Context(), "job"), monotable.ErrInvalid)
	require.Len(t, faults.Requests(), 1)
}

func TestLease_HolderAndErr(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	l, err := g.store(g.client, lease.Holder("me")).TryAcquire(t.Context(), "job", time.Hour)
	require.NoError(t, err)
	require.Equal(t, "me", l.Holder())
	require.NoError(t, l.Err())
	release(t, l)
	require.ErrorIs(t, l.Err(), lease.ErrLost)
	l, err = g.store(g.client).TryAcquire(t.Context(), "job", time.Hour)
	require.NoError(t, err)
	require.Equal(t, avS(l.Holder()), g.item("LEASE#job", "LEASE#job")["_owner"])
	release(t, l)
}
