package salesforce

import (
	"net/http"
	"testing"
	"time"
)

func TestTheClientFollowsTheOrgsClock(t *testing.T) {
	t.Parallel()

	local := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	c := &Client{now: func() time.Time { return local }}
	if got := c.Now(); !got.Equal(local) {
		t.Errorf("before a reply: %v", got)
	}
	org := local.Add(90 * 24 * time.Hour)
	c.noteReply(t.Context(), &reply{header: http.Header{"Date": {org.Format(http.TimeFormat)}}})
	if got := c.Now(); !got.Equal(org) {
		t.Errorf("after a reply: %v, want %v", got, org)
	}
	local = local.Add(time.Minute)
	if got := c.Now(); !got.Equal(org.Add(time.Minute)) {
		t.Errorf("a minute later: %v", got)
	}
	for _, header := range []string{"", "yesterday"} {
		c.noteReply(t.Context(), &reply{header: http.Header{"Date": {header}}})
		if got := c.Now(); !got.Equal(org.Add(time.Minute)) {
			t.Errorf("after a reply with the Date %q: %v", header, got)
		}
	}
}
