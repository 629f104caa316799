package salesforce

import (
	"context"
	"time"
)

// EventKind says what an [Event] reports.
type EventKind string

// The kinds of events.
const (
	// EventRequest is one attempt of one call, with its status or error.
	EventRequest EventKind = "request"
	// EventRetry is a call that will be repeated after Delay.
	EventRetry EventKind = "retry"
	// EventLogin is a token obtained from the OAuth endpoint.
	EventLogin EventKind = "login"
	// EventInstanceDiffers is a token reply whose instance_url is of another
	// host than the configured one, which is used.
	EventInstanceDiffers EventKind = "instance_differs"
	// EventLimitLow is sent once, when less than 5 % of the org's daily API
	// calls are left.
	EventLimitLow EventKind = "limit_low"
	// EventLimitReached is sent once, when the request limit stops the client.
	EventLimitReached EventKind = "limit_reached"
	// EventProgress is a step of something that is polled, such as a deploy.
	EventProgress EventKind = "progress"
)

// Event is something worth a line in a log. It never holds a body, a query, a
// header or a credential.
type Event struct {
	Kind EventKind
	// Method, Path and Host are those of the request; the path has no query.
	Method, Path, Host string
	// Attempt counts from 1.
	Attempt int
	// Status is the HTTP status, or 0 if no reply came.
	Status int
	// Duration is how long the attempt took.
	Duration time.Duration
	// Delay is the pause before the next attempt.
	Delay time.Duration
	// RequestID is Salesforce's, if it was given.
	RequestID string
	// Message is a sentence for people; never of the server alone.
	Message string
}

func (c *Client) emit(ctx context.Context, e Event) {
	if c.events != nil {
		c.events(ctx, e)
	}
}
