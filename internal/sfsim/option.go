package sfsim

import (
	"errors"
	"fmt"
	"time"
)

type options struct {
	listen, loginListen              string
	clientID, clientSecret, username string
	kind                             Kind
	kindGiven                        bool
	organizationID                   string
	latency                          time.Duration
	keyServiceTimeout                time.Duration
	control                          bool
	now                              *time.Time
	seed                             *Seed
	persist                          string
	adjust                           []func(*Settings, *Permissions)
}

// Option changes how a Server starts.
type Option func(*options) error

// WithListen sets the address of the instance host; the default is a free port of 127.0.0.1. Only
// loopback addresses are allowed.
func WithListen(address string) Option {
	return func(o *options) error { o.listen = address; return nil }
}

// WithLoginListen sets the address of the login host.
func WithLoginListen(address string) Option {
	return func(o *options) error { o.loginListen = address; return nil }
}

// WithKind sets the kind of the org.
func WithKind(kind Kind) Option {
	return func(o *options) error {
		switch kind {
		case Production, Sandbox, Developer:
			o.kind, o.kindGiven = kind, true
			return nil
		default:
			return fmt.Errorf("the kind of org is %q, expected production, sandbox or developer", kind)
		}
	}
}

// WithOrganizationID sets the id of the org, 15 or 18 characters.
func WithOrganizationID(id string) Option {
	return func(o *options) error {
		full, ok := parseID(id)
		if !ok || full[:3] != "00D" {
			return fmt.Errorf("the organization id is %q, expected 15 or 18 characters that begin with 00D", id)
		}
		o.organizationID = full
		return nil
	}
}

// WithLatency delays every reply by d, in real time.
func WithLatency(d time.Duration) Option {
	return func(o *options) error {
		if d < 0 {
			return fmt.Errorf("the latency is %s, expected 0 or more", d)
		}
		o.latency = d
		return nil
	}
}

// WithKeyServiceTimeout bounds a callout to a key service, in real time: 3 seconds by default, as
// Salesforce allows [V ThalesDoc]. A test of anything else gives its key service longer.
func WithKeyServiceTimeout(d time.Duration) Option {
	return func(o *options) error {
		if d <= 0 {
			return fmt.Errorf("the timeout of key services is %s, expected more than 0", d)
		}
		o.keyServiceTimeout = d
		return nil
	}
}

// WithSeed replaces the sections of the initial world that the seed has.
func WithSeed(seed *Seed) Option {
	return func(o *options) error {
		if seed != nil {
			if err := seed.validate(); err != nil {
				return err
			}
		}
		o.seed = seed
		return nil
	}
}

// WithPersistence keeps the org in a file: Save writes it, and New starts from it if it exists,
// whatever the seed, the kind and the other options for the initial org say. Key material and
// private keys are in it, in the clear.
func WithPersistence(path string) Option {
	return func(o *options) error {
		if path == "" {
			return errors.New("the file to keep the org in has no name")
		}
		o.persist = path
		return nil
	}
}

// WithTime sets the simulated time of the start; the default is the real time.
func WithTime(t time.Time) Option {
	return func(o *options) error { o.now = &t; return nil }
}

// WithControl adds the control routes under /_sim/ to the instance host. They need no
// authentication.
func WithControl() Option {
	return func(o *options) error { o.control = true; return nil }
}

// WithConfiguration changes settings and permissions of the initial world, after the seed. Reset
// applies it again.
func WithConfiguration(change func(*Settings, *Permissions)) Option {
	return func(o *options) error { o.adjust = append(o.adjust, change); return nil }
}

// WithoutIntervals lets keys of one type follow each other at once.
func WithoutIntervals() Option {
	return WithConfiguration(func(s *Settings, _ *Permissions) { s.RotationIntervals = false })
}

// WithVisibilityLag hides new tenant secrets from the given number of read requests.
func WithVisibilityLag(reads int) Option {
	return WithConfiguration(func(s *Settings, _ *Permissions) { s.VisibilityLagReads = reads })
}
