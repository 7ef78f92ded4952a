// Package avjson reads and writes attribute values in the JSON of DynamoDB's
// protocol: {"S":"x"}, {"N":"1"}, {"M":{"a":{"BOOL":true}}}.
//
// A [Reader] goes over the bytes of one reply. It gives what the SDK's own
// deserialiser gives, or refuses what that refuses, with these differences:
//
//   - JSON that is broken behind an element of a list or a member of a map is
//     always refused. The SDK drops some of these errors and goes on, or panics.
//   - Nesting deeper than 1,000 arrays and objects is refused; the SDK's limit is
//     10,000, DynamoDB's own comes to about 64.
//   - A value without a member that is known and not null, such as {}, is nil.
//     The SDK repeats the value before it.
//   - What is skipped is checked as JSON only: an attribute nobody asks for may
//     hold {"S":5}.
//
// What is appended means the same to DynamoDB as what the SDK's serialiser writes,
// except that a nil value is an error: the SDK drops it from a list, and writes
// broken JSON for it in a map. Text that is not UTF-8 has U+FFFD in place of each
// wrong byte, in both.
//
// No method panics, whatever the input, and no error quotes it.
package avjson
