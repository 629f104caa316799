package salesforce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
)

var sobjectName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,127}$`)

// errBadSObjectName never quotes what it refuses, which may be anything that was configured in the
// wrong place.
var errBadSObjectName = errors.New("the name of an sObject is letters, digits and underscores, begins with a letter, " +
	"and has at most 128 characters")

// Describe reads the description of an sObject, of the data API or of the
// Tooling API, as Salesforce sent it.
func (c *Client) Describe(ctx context.Context, sobject string, tooling bool) (json.RawMessage, error) {
	if err := CheckSObjectName(sobject); err != nil {
		return nil, fmt.Errorf("describe: %w", err)
	}
	prefix := "/sobjects/"
	if tooling {
		prefix = "/tooling/sobjects/"
	}
	var body json.RawMessage
	_, err := c.do(ctx, call{
		method: http.MethodGet,
		path:   c.dataPath(prefix + sobject + "/describe"),
		decode: func(r *reply) error {
			var object map[string]json.RawMessage
			if err := json.Unmarshal(r.body, &object); err != nil {
				return decodeError(err)
			}
			body = r.body
			return nil
		},
	})
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", sobject, err)
	}
	return body, nil
}

// APIVersions lists the API versions that the instance serves, oldest first.
// It needs no login if the instance URL is configured [D].
func (c *Client) APIVersions(ctx context.Context) ([]string, error) {
	type version struct {
		Version string `json:"version"`
	}
	var list []version
	_, err := c.do(ctx, call{
		method:    http.MethodGet,
		path:      "/services/data/",
		anonymous: true,
		decode: func(r *reply) error {
			list = nil
			if err := json.Unmarshal(r.body, &list); err != nil {
				return decodeError(err)
			}
			return nil
		},
	})
	if err != nil {
		return nil, fmt.Errorf("list API versions: %w", err)
	}
	slices.SortFunc(list, func(a, b version) int { return compareVersions(a.Version, b.Version) })
	versions := make([]string, 0, len(list))
	for _, v := range list {
		if v.Version != "" {
			versions = append(versions, v.Version)
		}
	}
	return versions, nil
}

func compareVersions(a, b string) int {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	switch {
	case errX != nil || errY != nil || x == y:
		return 0
	case x < y:
		return -1
	}
	return 1
}
