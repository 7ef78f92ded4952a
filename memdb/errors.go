package memdb

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/monotable/monotable/memdb/internal/expr"
	"github.com/monotable/monotable/memdb/internal/value"
)

// apiError is an answer that is an error of the service.
type apiError struct {
	Type    string // such as ValidationException
	Message string
	Status  int // 400 unless set
	Item    value.Map
	Reasons []cancellationReason
	// ThrottlingReasons say what was throttled and why.
	ThrottlingReasons []throttlingReason
}

func (e *apiError) Error() string { return e.Type + ": " + e.Message }

func (e *apiError) status() int {
	if e.Status == 0 {
		return http.StatusBadRequest
	}
	return e.Status
}

// The namespaces that error types stand in.
const (
	serviceNamespace = "com.amazonaws.dynamodb.v20120810#"
	coralNamespace   = "com.amazon.coral.validate#"
	frameNamespace   = "com.amazon.coral.service#"
)

func (e *apiError) body() []byte {
	namespace := serviceNamespace
	switch e.Type {
	case "ValidationException", "ThrottlingException":
		namespace = coralNamespace
	case "SerializationException", "UnknownOperationException", "AccessDeniedException":
		namespace = frameNamespace
	}
	answer := map[string]any{"__type": namespace + e.Type}
	if e.Type == "TransactionCanceledException" {
		answer["Message"], answer["CancellationReasons"] = e.Message, e.Reasons
	} else {
		answer["message"] = e.Message
	}
	if e.Item != nil {
		answer["Item"] = e.Item
	}
	if len(e.ThrottlingReasons) > 0 {
		field := "ThrottlingReasons"
		if e.Type == string(ThrottlingError) { // the one exception that spells it so
			field = "throttlingReasons"
		}
		answer[field] = e.ThrottlingReasons
	}
	return marshal(answer)
}

// Messages of the service that several places need.
const (
	msgParameter = "One or more parameter values were invalid: "
	msgKeySchema = "The provided key element does not match the schema"
	msgNotFound  = "Requested resource not found"
	msgCondition = "The conditional request failed"
)

func invalid(format string, args ...any) error {
	return &apiError{Type: "ValidationException", Message: fmt.Sprintf(format, args...)}
}

func invalidParameter(format string, args ...any) error {
	return invalid(msgParameter+format, args...)
}

func notFound(format string, args ...any) error {
	return &apiError{Type: "ResourceNotFoundException", Message: fmt.Sprintf(format, args...)}
}

func inUse(format string, args ...any) error {
	return &apiError{Type: "ResourceInUseException", Message: fmt.Sprintf(format, args...)}
}

// asAPIError gives any error of the engine its form on the wire.
func asAPIError(err error) *apiError {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e
	}
	if e, ok := errors.AsType[*expr.Error](err); ok {
		return &apiError{Type: "ValidationException", Message: e.Message}
	}
	if e, ok := errors.AsType[*expr.EvalError](err); ok {
		return &apiError{Type: "ValidationException", Message: e.Message}
	}
	if e, ok := errors.AsType[*value.InvalidError](err); ok {
		return &apiError{Type: "ValidationException", Message: e.Message}
	}
	return &apiError{Type: "InternalServerError", Message: err.Error(), Status: http.StatusInternalServerError}
}
