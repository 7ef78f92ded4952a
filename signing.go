package monotable

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/monotable/monotable/internal/sigv4"
)

// signing puts our signer in the place of the SDK's, with the same signatures for a
// fraction of the work. Whatever else a client signs with stays. nil does nothing.
type signing struct {
	theirs smithyhttp.AuthScheme
	ours   []smithyhttp.AuthScheme
}

// signingOf is nil for a client that does not sign as the SDK does by itself.
func signingOf(client *dynamodb.Client) (s *signing) {
	defer func() {
		if recover() != nil { // a zero signer, or a scheme of one's own, may panic when it is asked
			s = nil
		}
	}()
	o := client.Options()
	theirs, ok := o.HTTPSignerV4.(*v4.Signer)
	if !ok || theirs == nil || len(o.AuthSchemes) != 1 || !signsBy(o.AuthSchemes[0], theirs) {
		return nil
	}
	signer := sigv4.New(theirs)
	if !signAlike(theirs, signer) {
		return nil
	}
	// Only the SDK can make a scheme that hands a signer its credentials.
	ours := dynamodb.New(dynamodb.Options{Region: o.Region, Logger: o.Logger, ClientLogMode: o.ClientLogMode, HTTPSignerV4: signer}).Options().AuthSchemes
	if len(ours) != 1 || reflect.TypeOf(ours[0]) != reflect.TypeOf(o.AuthSchemes[0]) || !signsBy(ours[0], signer) {
		return nil
	}
	return &signing{theirs: o.AuthSchemes[0], ours: ours}
}

// signsBy says that a scheme is the SDK's, signs by the signer and logs nothing of it.
func signsBy(scheme smithyhttp.AuthScheme, signer dynamodb.HTTPSignerV4) bool {
	if scheme == nil {
		return false
	}
	adapter := reflect.Indirect(reflect.ValueOf(scheme.Signer()))
	if adapter.Kind() != reflect.Struct || !strings.HasPrefix(adapter.Type().PkgPath(), "github.com/aws/aws-sdk-go-v2/internal/") {
		return false
	}
	by, logs := adapter.FieldByName("Signer"), adapter.FieldByName("LogSigning")
	return by.IsValid() && by.CanInterface() && by.Interface() == any(signer) && logs.Kind() == reflect.Bool && !logs.Bool()
}

// signAlike tries both on a request. The options of a signer, such as
// DisableSessionToken, cannot be asked for, and a newer SDK may sign otherwise.
func signAlike(a, b dynamodb.HTTPSignerV4) bool {
	quietly := func(o *v4.SignerOptions) { o.LogSigning = false }
	try := func(s dynamodb.HTTPSignerV4) (http.Header, bool) {
		r := &http.Request{
			Method: http.MethodPost, URL: &url.URL{Scheme: "https", Host: "dynamodb.us-east-1.amazonaws.com", Path: "/"}, ContentLength: 2,
			Header: http.Header{
				"Accept-Encoding": {"identity"}, "Amz-Sdk-Invocation-Id": {"id"}, "Amz-Sdk-Request": {"attempt=1"},
				"Content-Type": {"application/x-amz-json-1.0"}, "User-Agent": {"monotable"},
				"X-Amz-Target": {"DynamoDB_20120810.GetItem"}, "X-Amzn-Trace-Id": {"Root=1"}, "X-Other": {"a b"},
			},
		}
		c := aws.Credentials{AccessKeyID: "try", SecretAccessKey: "try", SessionToken: "try"}
		err := s.SignHTTP(context.Background(), c, r, strings.Repeat("0", 64), "dynamodb", "us-east-1", time.Unix(0, 0), quietly)
		return r.Header, err == nil
	}
	by, ok := try(a)
	and, okToo := try(b)
	return ok && okToo && maps.EqualFunc(by, and, slices.Equal[[]string])
}

// install leaves a call alone that has been told to sign otherwise, or to log it.
func (s *signing) install(o *dynamodb.Options) {
	if s != nil && len(o.AuthSchemes) == 1 && o.AuthSchemes[0] == s.theirs && !o.ClientLogMode.IsSigning() {
		o.AuthSchemes = s.ours
	}
}
