// Package codec turns Go structs into DynamoDB items and back.
//
// [Compile] makes a [Plan] of a struct type once; using it reads no tag again.
// Tags are those of attributevalue, under the key dynamodbav, and mean the same:
// a plan stores and reads what attributevalue.MarshalMap and UnmarshalMap do,
// except for the differences below. What they have in common: bad input is an
// error with a path instead of a request that fails, stores something else or
// stores it where nobody reads it; and a value that was written equals the value
// read back.
//
//	                                        here                    attributevalue
//	Writing
//	 1 nil pointer, slice, map, interface   left out                NULL
//	   (NULL as a list element or map value, and with nullempty; behind a pointer or
//	   in an interface attributevalue writes NULL for a pointer, else an empty value)
//	 2 empty set                            left out                NULL, or an empty set
//	                                                                by omitemptyelem
//	 3 equal members of a set               error                   written
//	 4 zero time.Time with omitempty        left out                written
//	 5 time.Time                            UTC, nine digits        own zone, zeros cut
//	 6 years before 0 or after 9999         error                   written
//	 7 numbers DynamoDB cannot hold         error                   written
//	 8 attributevalue.Number, json.Number   checked, plain text     as they are, also ""
//	 9 -0                                   0                       -0
//	10 big.Int, big.Rat, big.Float          N                       {}
//	11 text that is not UTF-8               error                   written
//	12 more than 32 levels, cyclic pointers error                   written, endless
//	13 Marshaler by pointer method, where   called                  ignored
//	   no address can be taken (map values)
//	14 Marshaler returns nil                error                   stored by its kind
//	15 what a Marshaler returns             checked                 written
//	16 map key with a String method         stored as its value     stored as its text
//	17 map keys stored alike                error                   one is lost
//	18 chan or func in an interface         error                   vanishes
//	19 omitempty, nullempty on **T or any   leave out nil           and a zero *T at the end
//	20 slice of a named byte type           B                       a panic
//	Reading
//	21 names of attributes                  exact                   in any letter case
//	22 stored type is not the one written   error                   N into string or time.Time,
//	                                                                S into ,unixtime, N into ,string,
//	                                                                sets into lists and back
//	23 integers                             any decimal form        digits only
//	24 text that is no decimal              error                   hexadecimal, Inf, any text
//	                                                                into Number types
//	25 number into any                      attributevalue.Number   float64
//	26 times                                UTC                     stored or local zone
//	27 more or fewer elements than [N]T     error                   cut, or zero, or a panic
//	28 value that is there already          replaced                merged, or a panic
//	29 Unmarshaler as member of a set       gets each member        first one gets the set
//	30 NULL below an embedded pointer       pointer stays nil       allocated
//	31 float32                              rounded once            by way of float64, its
//	                                                                largest value fails
//	Compiling
//	32 ambiguous names of embedded fields   error                   both vanish
//	33 names equal but for letter case      error                   both, read as one
//	34 chan, func, complex, uintptr         error                   vanish
//	35 interface with methods               error                   written, a panic when read
//	36 unknown option, or one without       error                   ignored
//	   effect on its type
//	37 omitempty with nullempty             error                   error when zero
//	38 omitemptyelem on an array            error                   elements are lost
//	39 embedded time.Time or big.Int        error                   vanishes
//	40 struct of unexported fields only     error                   {}
//	41 embedded pointer to unexported type  error                   a panic when read
//	42 tag on an unexported field           error                   ignored
//	43 pointer as map key                   error                   by its text marshaler
//	44 struct type with its own Marshaler   error                   written if it returns M
//	   given to Compile
//
// Fields of type any hold, after reading: string, attributevalue.Number, []byte,
// bool, nil, []any, map[string]any, []string, []attributevalue.Number or [][]byte.
// A set of strings or numbers read into any is written as a list again; only a
// field with a set tag keeps it a set.
//
// encoding.TextMarshaler and TextUnmarshaler are used for keys of maps and nowhere
// else, as by attributevalue's default options. There is no set type by itself: a
// map[T]struct{} is stored as M. [][]byte is stored as BS without a tag, []byte
// and [N]byte as B.
//
// Every value can take the general road: functions that are chosen by its type when
// it is compiled, and that know all rules and errors. The frequent types have a quick
// one beside it (quick.go, writer.go), which gives the same or gives up. It takes
// what it needs of memory in few pieces: the strings of an item's lists and sets
// lie in one slice, the attribute values of an item in one slice for each type.
// So a part that is kept keeps its neighbours too. Nothing is taken from a pool,
// and nothing that is read points into the item, but the text of strings.
//
// The same items can be read from DynamoDB's JSON and written as that, without
// attribute values between: a [Layout] reads the replies to requests, page by page,
// and AppendJSON writes. That is a third road, with the results and errors of the
// others; for what it does not know it makes an attribute value and takes the
// general one.
//
// A panic in user code passes through; no lock is held while user code runs.
package codec
