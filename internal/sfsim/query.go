package sfsim

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim/soql"
)

// The rows of one page of a query: the default and most, and the least that a client may ask for [D
// RESTdoc].
const (
	maxBatch = 2000
	minBatch = 200
)

// locator is an open query: its rows are rendered when it starts.
type locator struct {
	user    *user
	path    string // query, queryAll or tooling/query
	records []object
	tooling bool
	entity  string
	batch   int
}

// schema shows the query engine the objects that the caller sees.
type schema struct{ c *call }

// Object implements soql.Schema.
func (s schema) Object(name string) (*soql.Object, bool) {
	o, found := s.c.queryable(name)
	if !found {
		return nil, false
	}
	return o.soql(s.c, 1), true
}

// queryable also finds objects without permission if the org answers them with no rows.
func (c *call) queryable(name string) (*sobject, bool) {
	for _, o := range objects() {
		if strings.EqualFold(o.name, name) && o.reachable(c, c.tooling) {
			return o.inOrg(c), o.visible == nil || o.visible(c) || c.s.world.permissions.DeniedAsEmpty
		}
	}
	return nil, false
}

func startQuery(c *call) *reply {
	text, given := c.query("q")
	if !given || strings.TrimSpace(text) == "" {
		c.violation("queries without q")
		return refuse(http.StatusBadRequest, "MALFORMED_QUERY", "A query string has to be specified") // [R]
	}
	parsed, err := soql.Parse(text)
	if err != nil {
		return refuseQuery(c, err)
	}
	o, _ := c.queryable(parsed.Object()) // Run refuses an object that is not there
	if o != nil && o.name == dataKeyObject.name && !parsed.Limited() {
		// [D DEKRef]; the text is invented.
		return refuse(http.StatusBadRequest, "MALFORMED_QUERY", "A query of DataEncryptionKey needs a LIMIT")
	}
	result, err := parsed.Run(schema{c}, func(name string) []soql.Row {
		if target, ok := c.object(name, c.tooling); ok {
			return target.rows(c)
		}
		return nil
	}, c.s.Clock.Now())
	if err != nil {
		return refuseQuery(c, err)
	}
	c.entry.Operation = strings.TrimSuffix(c.entry.Operation, "query") + o.name + ".query"
	if columns, _ := c.query("columns"); columns == "true" {
		return c.queryColumns(o, result)
	}

	paths := make([][]string, len(result.Fields))
	for i, selected := range result.Fields {
		paths[i] = selected.Path
	}
	open := &locator{user: c.session.user, tooling: c.tooling, entity: o.name, batch: c.batchSize()}
	open.path, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimRight(c.r.URL.Path, "/"), c.root()+"/"), "?")
	for _, row := range result.Rows {
		if result.Aggregate {
			record := object{{"attributes", object{{"type", "AggregateResult"}}}}
			for _, path := range paths {
				record = append(record, member{path[0], renderValue(nil, row[path[0]])})
			}
			open.records = append(open.records, record)
			continue
		}
		open.records = append(open.records, o.record(c, row, paths))
	}
	if !result.Aggregate && len(open.records) > 0 {
		c.noteExport(o, paths, result.Rows)
	}
	if result.Count {
		return ok(open.page(nil, result.TotalSize, ""))
	}
	if len(open.records) <= open.batch {
		return ok(open.page(open.records, result.TotalSize, ""))
	}
	c.s.lastPage++
	id := serialID("01g", c.s.lastPage)
	c.s.locators[id] = open
	return ok(open.page(open.records[:open.batch], result.TotalSize,
		c.root()+"/"+open.path+"/"+id+"-"+strconv.Itoa(open.batch)))
}

// batchSize follows Sforce-Query-Options: batchSize=n, within Salesforce's bounds, and the
// simulator's own smaller pages.
func (c *call) batchSize() int {
	size := maxBatch
	for part := range strings.SplitSeq(c.r.Header.Get("Sforce-Query-Options"), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if n, err := strconv.Atoi(value); err == nil && strings.EqualFold(name, "batchSize") {
			size = min(max(n, minBatch), maxBatch)
		}
	}
	if limit := c.s.world.settings.PageSize; limit > 0 {
		size = min(size, limit)
	}
	return size
}

// page renders one page; next is the URL of the one after it.
func (l *locator) page(records []object, total int, next string) object {
	var out object
	if l.tooling {
		out = append(out, member{"size", len(records)})
	}
	out = append(out, member{"totalSize", total}, member{"done", next == ""})
	if next != "" {
		out = append(out, member{"nextRecordsUrl", next})
	}
	if l.tooling {
		out = append(out, member{"queryLocator", nil}, member{"entityTypeName", l.entity})
	}
	if records == nil {
		records = []object{}
	}
	return append(out, member{"records", records})
}

func nextPage(c *call) *reply {
	id, start, _ := strings.Cut(c.param("locator"), "-")
	open := c.s.locators[id]
	from, err := strconv.Atoi(start)
	if open == nil || err != nil || from < 0 || from >= len(open.records) || open.user != c.session.user {
		return refuse(http.StatusBadRequest, "INVALID_QUERY_LOCATOR", "invalid query locator") // wording [R]
	}
	c.entry.Operation = open.entity + ".query.more"
	to, next := min(from+open.batch, len(open.records)), ""
	if to < len(open.records) {
		next = c.root() + "/" + open.path + "/" + id + "-" + strconv.Itoa(to)
	}
	return ok(open.page(open.records[from:to], len(open.records), next))
}

func refuseQuery(c *call, err error) *reply {
	if refused, ok := errors.AsType[*soql.Error](err); ok {
		return refuse(http.StatusBadRequest, refused.Code, refused.Message)
	}
	c.violation("sends a query that the simulator can't judge: %v", err)
	return refuse(http.StatusBadRequest, "MALFORMED_QUERY", "unexpected error in the query")
}

// noteExport marks in the journal that encrypted secrets were read, which Salesforce may log as an
// export [I].
func (c *call) noteExport(o *sobject, paths [][]string, rows []soql.Row) {
	if o == tenantSecretObject && slices.ContainsFunc(paths, func(p []string) bool { return p[0] == "SecretValue" }) {
		c.entry.Exported = true
		c.noteExportEvents(rows)
	}
}
