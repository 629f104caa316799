package salesforce

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// UserID asks the org who the session's user is, as 18 characters. A token
// reply says it without a call (see [Session]); a session that was handed over
// as an access token does not. The answer is of the OpenID endpoint [R].
func (c *Client) UserID(ctx context.Context) (string, error) {
	var id string
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/services/oauth2/userinfo", decode: func(r *reply) error {
		var who struct {
			UserID string `json:"user_id"`
		}
		if err := json.Unmarshal(r.body, &who); err != nil {
			return decodeError(err)
		}
		var err error
		id, err = recordID(who.UserID)
		return err
	}})
	if err != nil {
		return "", fmt.Errorf("read who the user is: %w", err)
	}
	return id, nil
}
