package monotabletest

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/memdb"
)

// The faults of this file are error answers of the service: the request is not applied. With
// AfterApplying it is.

// Refuse answers with a status and an error type, known to the SDK or not, such as
// Refuse(400, "SomethingNewException").
func Refuse(status int, errorType string) Fault {
	return refuse(status, errorType, nil)
}

// refuse builds the answer's further fields when it comes to that.
func refuse(status int, errorType string, fields func(*http.Request) (map[string]any, error)) Fault {
	return func(r *http.Request, _ func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		all := map[string]any{"message": "A fault of the test"}
		if fields != nil {
			var err error
			if all, err = fields(r); err != nil {
				return nil, err
			}
		}
		all["__type"] = "com.amazonaws.dynamodb.v20120810#" + errorType
		body, err := json.Marshal(all)
		if err != nil {
			return nil, err
		}
		return answer(r, status, body), nil
	}
}

// InternalServerError is the service's own error, with status 500.
func InternalServerError() Fault {
	return Refuse(http.StatusInternalServerError, "InternalServerError")
}

// Unavailable is status 503.
func Unavailable() Fault { return Refuse(http.StatusServiceUnavailable, "ServiceUnavailable") }

// ReplicatedWriteConflict is a write in collision with another region's.
func ReplicatedWriteConflict() Fault {
	return Refuse(http.StatusBadRequest, "ReplicatedWriteConflictException")
}

// TransactionInProgress is an earlier request of the same token that has not ended.
func TransactionInProgress() Fault {
	return Refuse(http.StatusBadRequest, "TransactionInProgressException")
}

// ExpiredToken is credentials that are no longer valid.
func ExpiredToken() Fault { return Refuse(http.StatusBadRequest, "ExpiredTokenException") }

// Throttle is one of the three exceptions of throttling; "" is the first of them.
func Throttle(kind memdb.ThrottlingKind, reasons ...types.ThrottlingReason) Fault {
	if kind == "" {
		kind = memdb.ProvisionedThroughputExceeded
	}
	field := "ThrottlingReasons"
	if kind == memdb.ThrottlingError { // the one exception that spells it so
		field = "throttlingReasons"
	}
	list := make([]map[string]string, len(reasons))
	for i, r := range reasons {
		list[i] = map[string]string{"reason": aws.ToString(r.Reason), "resource": aws.ToString(r.Resource)}
	}
	return refuse(http.StatusBadRequest, string(kind), func(*http.Request) (map[string]any, error) {
		fields := map[string]any{"message": "Rate exceeded"}
		if len(list) > 0 {
			fields[field] = list
		}
		return fields, nil
	})
}

// TransactionConflict is a collision with a transaction: TransactionConflictException, or for a
// transaction TransactionCanceled("TransactionConflict").
func TransactionConflict() Fault {
	single := Refuse(http.StatusBadRequest, "TransactionConflictException")
	canceled := TransactionCanceled("TransactionConflict")
	return func(r *http.Request, do func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		if strings.HasPrefix(operation(r), "Transact") {
			return canceled(r, do)
		}
		return single(r, do)
	}
}

// TransactionCanceled cancels a transaction with these reasons for its first actions and None for the
// others. Reasons beyond the last action are left out.
func TransactionCanceled(codes ...string) Fault {
	return refuse(http.StatusBadRequest, "TransactionCanceledException", func(r *http.Request) (map[string]any, error) {
		var in struct{ TransactItems []json.RawMessage }
		if err := decodeBody(r, &in); err != nil {
			return nil, err
		}
		names, reasons := make([]string, len(in.TransactItems)), make([]map[string]string, len(in.TransactItems))
		for i := range reasons {
			names[i], reasons[i] = "None", map[string]string{"Code": "None"}
			if i < len(codes) && codes[i] != "None" {
				names[i], reasons[i] = codes[i], map[string]string{"Code": codes[i], "Message": "A fault of the test"}
			}
		}
		return map[string]any{
			"Message": "Transaction cancelled, please refer cancellation reasons for specific reasons [" +
				strings.Join(names, ", ") + "]",
			"CancellationReasons": reasons,
		}, nil
	})
}

// decodeBody reads the body of a request, which is whole again when it is passed on.
func decodeBody(r *http.Request, v any) error {
	body, err := drain(r.Body)
	if err != nil {
		return err
	}
	r.Body = newContent(body)
	return json.Unmarshal(body, v)
}

// ClockSkew is a server whose clock is ahead of ours by d, which may be negative. It dates its answers
// by that clock and refuses what is signed more than five minutes off with the error type, or
// InvalidSignatureException for "". The SDK corrects its clock then and tries again.
func ClockSkew(d time.Duration, errorType string) Fault {
	if errorType == "" {
		errorType = "InvalidSignatureException"
	}
	refused := Refuse(http.StatusBadRequest, errorType)
	return func(r *http.Request, do func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		now := time.Now().Add(d)
		signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		send := do
		if err != nil || now.Sub(signed).Abs() > 5*time.Minute {
			send = func(r *http.Request) (*http.Response, error) { return refused(r, do) }
		}
		resp, err := send(r)
		if err == nil {
			resp.Header.Set("Date", now.UTC().Format(http.TimeFormat))
		}
		return resp, err
	}
}
