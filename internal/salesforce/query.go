package salesforce

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

const (
	// maxPages bounds the pages of one query: at Salesforce's 2,000 rows a page
	// [D], far beyond what any list here can have.
	maxPages = 5000
	// maxPageRows is the most that Salesforce puts on a page [D]. A row costs far more when it is read
	// than it does when it is sent: compressed, a page of empty rows needs a thousandth.
	maxPageRows = 2000
	// maxRows and maxQuery bound what the pages of one query hold together, in rows and in bytes.
	maxRows  = 200_000
	maxQuery = 256 << 20
	// maxSOQL is the longest query that Salesforce takes [D], in characters.
	maxSOQL = 100_000
	// maxQueryURI keeps a query within Salesforce's 16,384 bytes for URI and
	// headers [D].
	maxQueryURI = 15_000
)

// QueryResult is the result of a query, all pages of it.
type QueryResult struct {
	// TotalSize is Salesforce's count, which for SELECT COUNT() comes without
	// records.
	TotalSize int
	// Records are the rows as Salesforce sent them, with their attributes.
	Records []json.RawMessage
	// ServerTime is the Date of the first page, else the local clock.
	ServerTime time.Time
}

// Query runs a SOQL query on the data API, or on the Tooling API, and follows
// it to its last page. Errors never quote the query.
func (c *Client) Query(ctx context.Context, soql string, tooling bool) (QueryResult, error) {
	rows, err := queryAll[json.RawMessage](ctx, c, queryCall{soql: soql, tooling: tooling})
	if err != nil {
		return QueryResult{}, err
	}
	return QueryResult{TotalSize: rows.total, Records: rows.records, ServerTime: rows.serverTime}, nil
}

// queryCall is one query.
type queryCall struct {
	soql    string
	tooling bool
	// deleted includes deleted and archived rows (queryAll).
	deleted bool
	// as is the grant to use while the login is still under way.
	as *grant
}

type queryRows[T any] struct {
	records    []T
	total      int
	serverTime time.Time
}

// queryPage is the envelope of one page [D; the Tooling API adds size,
// queryLocator and entityTypeName, R].
type queryPage[T any] struct {
	TotalSize      *wireInt `json:"totalSize"`
	Done           *bool    `json:"done"`
	NextRecordsURL string   `json:"nextRecordsUrl"`
	Records        []T      `json:"records"`
}

func queryAll[T any](ctx context.Context, c *Client, q queryCall) (queryRows[T], error) {
	var rows queryRows[T]
	if q.soql == "" {
		return rows, errors.New("the query is empty")
	}
	params := url.Values{"q": {q.soql}}.Encode()
	if len(q.soql) > maxSOQL || len(params) > maxQueryURI {
		return rows, fmt.Errorf("the query is too long: Salesforce takes a URI of at most 16,384 bytes, and this query has "+
			"%d when encoded", len(params))
	}
	resource := "/query"
	if q.deleted {
		resource = "/queryAll"
	}
	if q.tooling {
		resource = "/tooling" + resource
	}
	next, seen, size := c.dataPath(resource), map[string]bool{}, int64(0)
	for number := 0; ; number++ {
		if number == maxPages {
			return rows, fmt.Errorf("the query was given up after %d pages", maxPages)
		}
		var page queryPage[T]
		rep, err := c.do(ctx, call{
			method: http.MethodGet,
			path:   next,
			query:  params,
			as:     q.as,
			decode: func(r *reply) error {
				page = queryPage[T]{}
				return decodePage(r.body, &page)
			},
		})
		if err != nil {
			return rows, err
		}
		if size += int64(len(rep.body)); size > c.maxQuery {
			return rows, fmt.Errorf("GET %s: the result of the query holds more than %d MiB: select less", c.dataPath(resource),
				c.maxQuery>>20)
		}
		if len(rows.records)+len(page.Records) > c.maxRows {
			return rows, fmt.Errorf("GET %s: the result of the query holds more than %d rows: select less", c.dataPath(resource),
				c.maxRows)
		}
		if number == 0 {
			rows.serverTime = rep.serverTime()
			rows.total = int(*page.TotalSize)
			rows.records = page.Records
		} else {
			rows.records = append(rows.records, page.Records...)
		}
		if *page.Done {
			return rows, nil
		}
		if next, params, err = c.nextPage(page.NextRecordsURL); err != nil {
			return rows, fmt.Errorf("GET %s: %w", c.dataPath(resource), err)
		}
		if seen[next+"?"+params] {
			return rows, fmt.Errorf("GET %s: the pages of the query lead in a circle", c.dataPath(resource))
		}
		seen[next+"?"+params] = true
	}
}

// decodePage reads a page row by row, so that one with too many is refused before they are all
// held.
func decodePage[T any](body []byte, page *queryPage[T]) error {
	in := json.NewDecoder(bytes.NewReader(body))
	if token, err := in.Token(); err != nil {
		return decodeError(err)
	} else if token != json.Delim('{') {
		return errors.New("it is no query result: it is no object")
	}
	for in.More() {
		key, err := in.Token()
		if err != nil {
			return decodeError(err)
		}
		switch name, _ := key.(string); strings.ToLower(name) {
		case "totalsize":
			err = in.Decode(&page.TotalSize)
		case "done":
			err = in.Decode(&page.Done)
		case "nextrecordsurl":
			err = in.Decode(&page.NextRecordsURL)
		case "records":
			page.Records, err = decodeRows[T](in)
		default:
			err = in.Decode(new(json.RawMessage))
		}
		if err != nil {
			return decodeError(err)
		}
	}
	if _, err := in.Token(); err != nil {
		return decodeError(err)
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return errors.New("it is not JSON: something follows it")
	}
	switch {
	case page.TotalSize == nil || page.Done == nil:
		return errors.New("it is no query result: totalSize or done is missing")
	case *page.TotalSize < 0:
		return errors.New("totalSize is negative")
	case !*page.Done && page.NextRecordsURL == "":
		return errors.New("the query is not done, but nextRecordsUrl is missing")
	}
	return nil
}

func decodeRows[T any](in *json.Decoder) ([]T, error) {
	token, err := in.Token()
	if err != nil || token == nil {
		return nil, err
	}
	if token != json.Delim('[') {
		return nil, errors.New(`the field "records" has an unexpected type`)
	}
	var rows []T
	for in.More() {
		if len(rows) == maxPageRows {
			return nil, fmt.Errorf("the page has more than the %d rows that Salesforce sends at once", maxPageRows)
		}
		var row T
		if err := in.Decode(&row); err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	_, err = in.Token()
	return rows, err
}

// pathCharacters are those of the paths that Salesforce leads on to. A path is logged, and
// url.Parse undoes percent-encoding, which gives it any character.
const pathCharacters = "/abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~-"

// nextPage checks a nextRecordsUrl: it must stay on the instance, below
// /services/data/, since the token is sent there.
func (c *Client) nextPage(next string) (pagePath, query string, err error) {
	errAway := errors.New("nextRecordsUrl leads away from the instance's /services/data/, so it was not followed")
	u, err := url.Parse(next)
	if err != nil || u.Opaque != "" || u.User != nil || u.Fragment != "" {
		return "", "", errAway
	}
	g := c.current.Load()
	prefix := ""
	if g != nil {
		prefix = g.base.Path
	}
	if u.Host != "" || u.Scheme != "" {
		if g == nil || !sameOrigin(u, g.base) {
			return "", "", errAway
		}
	}
	p := u.Path
	if prefix != "" {
		p = strings.TrimPrefix(p, prefix)
	}
	if !strings.HasPrefix(p, "/services/data/") || path.Clean(p) != p || strings.Trim(p, pathCharacters) != "" {
		return "", "", errAway
	}
	return p, u.RawQuery, nil
}

// decodeError keeps what an error of encoding/json says about form, and leaves
// out what it quotes of the content.
func decodeError(err error) error {
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &kind):
		return fmt.Errorf("the field %q has an unexpected type", kind.Field)
	case errors.As(err, &syntax):
		return fmt.Errorf("it is not JSON: syntax error at byte %d", syntax.Offset)
	}
	return err
}
