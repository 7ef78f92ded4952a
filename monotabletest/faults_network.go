package monotabletest

import (
	"bytes"
	"context"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"syscall"
	"time"
)

// AfterApplying has the server carry the request out, throws its answer away and lets the fault
// happen then: AfterApplying(InternalServerError()), AfterApplying(Silent()). A fault that passes the
// request on gets the answer that is there. Should the request itself fail, that is the result.
func AfterApplying(fault Fault) Fault {
	return func(r *http.Request, do func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		resp, err := do(r)
		if err != nil {
			return nil, err
		}
		return fault(r, func(*http.Request) (*http.Response, error) { return resp, nil })
	}
}

// NotSent refuses the connection, so that nothing was sent for certain: a [*net.OpError] of "dial".
func NotSent() Fault { return broken("dial", "connect", syscall.ECONNREFUSED) }

// SendingBroken resets the connection while the request is written: a [*net.OpError] of "write".
// The server has not applied it, which a client cannot know.
func SendingBroken() Fault { return broken("write", "write", syscall.ECONNRESET) }

// ReplyLost applies the request and resets the connection before the reply: a [*net.OpError] of
// "read".
func ReplyLost() Fault { return AfterApplying(broken("read", "read", syscall.ECONNRESET)) }

func broken(op, call string, errno syscall.Errno) Fault {
	return func(r *http.Request, _ func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		return nil, clientError(r, &net.OpError{Op: op, Net: "tcp", Err: os.NewSyscallError(call, errno)})
	}
}

// clientError gives an error the form in which [http.Client] returns it.
func clientError(r *http.Request, err error) error {
	return &url.Error{Op: "Post", URL: r.URL.String(), Err: err}
}

// Silent accepts the request, does not apply it and never answers: it fails when the request's
// context is done, and blocks for good if that never is.
func Silent() Fault {
	return func(r *http.Request, _ func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		<-r.Context().Done()
		return nil, clientError(r, context.Cause(r.Context()))
	}
}

// Slow passes the request on after the delay, in the virtual time of [testing/synctest] too; it fails
// if the request's context ends before. With [AfterApplying] it is the answer that is slow.
func Slow(delay time.Duration) Fault {
	return func(r *http.Request, do func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
			return do(r)
		case <-r.Context().Done():
			return nil, clientError(r, context.Cause(r.Context()))
		}
	}
}

// Truncated applies the request and breaks its answer off after n bytes, or before its last one:
// reading it gives [io.ErrUnexpectedEOF].
func Truncated(n int) Fault {
	return changed(func(resp *http.Response, body []byte) {
		n := max(min(n, len(body)-1), 0)
		resp.Body = io.NopCloser(cut{bytes.NewReader(body[:n])}) // Content-Length stays
	})
}

// cut is a body that ends too early.
type cut struct{ io.Reader }

// Read gives what there is, then the error.
func (c cut) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if err == io.EOF { //nolint:errorlint // bytes.Reader's own
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// Garbled applies the request and returns an answer whose second half is not JSON. The checksum fits.
func Garbled() Fault {
	return changed(func(resp *http.Response, body []byte) {
		body = append([]byte(nil), body...)
		for i := len(body) / 2; i < len(body); i++ {
			body[i] = 0xff
		}
		setBody(resp, body)
	})
}

// WrongChecksum applies the request and returns its answer under an X-Amz-Crc32 that does not fit.
func WrongChecksum() Fault {
	return changed(func(resp *http.Response, body []byte) {
		resp.Header.Set("X-Amz-Crc32", checksum(append(body, ' ')))
	})
}

// changed applies the request and changes its answer.
func changed(change func(resp *http.Response, body []byte)) Fault {
	return func(r *http.Request, do func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		resp, err := do(r)
		if err != nil {
			return nil, err
		}
		body, err := drain(resp.Body)
		if err != nil {
			return nil, err
		}
		resp.Body = newContent(body)
		change(resp, body)
		return resp, nil
	}
}

// Empty answers with status 200 and no body at all, without applying the request.
func Empty() Fault {
	return func(r *http.Request, _ func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		return answer(r, http.StatusOK, nil), nil
	}
}

// HTML answers as a proxy does, with a page and neither checksum nor request id, without applying the
// request.
func HTML(status int) Fault {
	return func(r *http.Request, _ func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		resp := answer(r, status, []byte("<html><body><h1>"+http.StatusText(status)+"</h1></body></html>\n"))
		resp.Header.Set("Content-Type", "text/html")
		resp.Header.Del("X-Amz-Crc32")
		resp.Header.Del("X-Amzn-RequestId")
		return resp, nil
	}
}

// answer is one that the server never gave.
func answer(r *http.Request, status int, body []byte) *http.Response {
	resp := &http.Response{
		Status:     strconv.Itoa(status) + " " + http.StatusText(status),
		StatusCode: status,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     http.Header{},
		Request:    r,
	}
	resp.Header.Set("Content-Type", "application/x-amz-json-1.0")
	resp.Header.Set("X-Amzn-RequestId", "fault-"+strconv.Itoa(turnOf(r).number))
	setBody(resp, body)
	return resp
}

// setBody gives an answer a body with length and checksum.
func setBody(resp *http.Response, body []byte) {
	resp.Body, resp.ContentLength = newContent(body), int64(len(body))
	resp.Header.Set("Content-Length", strconv.Itoa(len(body)))
	resp.Header.Set("X-Amz-Crc32", checksum(body))
}

func checksum(body []byte) string {
	return strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10)
}
