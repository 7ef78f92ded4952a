package monotabletest

import (
	"encoding/hex"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// StreamBatches cuts records into batches of at most size records and lets the faults loose on them, as a Lambda function sees them: each batch as one call. [Delayed]
// moves a batch's end forward, because there are no empty batches; failing rules do nothing. The order of an item's records is kept, also where they are
// repeated, and each record is in at least one batch. A size below 1 is 100. The records are not changed.
func StreamBatches(records []streamtypes.Record, size int, faults ...StreamFault) [][]streamtypes.Record {
	f := NewStreamFaults(nil, faults...)
	if size < 1 {
		size = 100
	}
	var batches [][]streamtypes.Record
	for done := 0; done < len(records); {
		dice := streamDice(f.seed, len(batches)+1)
		repeats, n := 0, min(size, len(records)-done)
		if dice.Float64() < f.repeated && size > 1 {
			repeats = min(1+few(dice), done, size-1)
			n = min(n, size-repeats)
		}
		if dice.Float64() < max(f.split, f.delayed) {
			n = min(n, 1+few(dice))
		}
		batch := slices.Clone(records[done-repeats : done+n])
		if dice.Float64() < f.reordered {
			batch, _ = mix(dice, batch)
		}
		batches, done = append(batches, batch), done+n
	}
	return batches
}

// ReorderRecords mixes records, as those of several shards are: any order in which the records of each item (with equal Keys) keep theirs. The records are not
// changed. Equal seeds give equal orders.
func ReorderRecords(seed uint64, records []streamtypes.Record) []streamtypes.Record {
	mixed, _ := mix(streamDice(seed, 0), records)
	return mixed
}

// RepeatRecords is the records with stretches that come again, as after crashes: behind some record, one of those before it and all since then are repeated. With
// at least one record there is at least one repetition. The records are not changed. Equal seeds give equal results.
func RepeatRecords(seed uint64, records []streamtypes.Record) []streamtypes.Record {
	dice := streamDice(seed, 0)
	var out []streamtypes.Record
	for i := range records {
		out = append(out, records[i])
		if dice.IntN(4) == 0 || i == len(records)-1 && len(out) == len(records) {
			out = append(out, records[i-min(i, few(dice)):i+1]...)
		}
	}
	return out
}

// mix draws one of the orders that keep each item's, all equally likely, and tells whether it is another one.
func mix(dice *rand.Rand, records []streamtypes.Record) (mixed []streamtypes.Record, changed bool) {
	queues := map[string][]int{}
	turns := make([]string, len(records))
	for i, r := range records {
		item := itemOf(r)
		queues[item] = append(queues[item], i)
		turns[i] = item
	}
	dice.Shuffle(len(turns), func(i, j int) { turns[i], turns[j] = turns[j], turns[i] })
	mixed = make([]streamtypes.Record, len(records))
	for i, item := range turns {
		from := queues[item][0]
		queues[item] = queues[item][1:]
		mixed[i], changed = records[from], changed || from != i
	}
	return mixed, changed
}

// itemOf tells items of a table apart by their keys.
func itemOf(r streamtypes.Record) string {
	if r.Dynamodb == nil {
		return ""
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(r.Dynamodb.Keys)) {
		b.WriteString(strconv.Quote(name))
		switch v := r.Dynamodb.Keys[name].(type) {
		case *streamtypes.AttributeValueMemberS:
			b.WriteString("S" + strconv.Quote(v.Value))
		case *streamtypes.AttributeValueMemberN:
			b.WriteString("N" + v.Value)
		case *streamtypes.AttributeValueMemberB:
			b.WriteString("B" + hex.EncodeToString(v.Value))
		}
	}
	return b.String()
}
