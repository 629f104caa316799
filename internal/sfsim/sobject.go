package sfsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim/soql"
)

// field describes one field as the Object Reference does.
type field struct {
	name, label, kind string
	// props holds one letter per property: C create, D default on create, F filter, G group, I id
	// lookup, N nillable, S sort, U update.
	props        string
	since        int // API version that introduced it
	length       int
	values       []picklistValue
	referenceTo  string
	relationship string
}

type picklistValue struct {
	value, label string
	since        int
}

func (f *field) has(prop string) bool { return strings.Contains(f.props, prop) }

// writable is whether a body may hold the field: prop is C for create, U for update. Status can be
// updated since API 44 [D ObjRef].
func (f *field) writable(prop string, version int) bool {
	return f.has(prop) && (f.name != "Status" || version >= 44)
}

// allowed returns the canonical spelling of a picklist value, which clients write in any case [I].
func (f *field) allowed(value string, version int) (string, bool) {
	for _, v := range f.values {
		if strings.EqualFold(v.value, value) && v.since <= version {
			return v.value, true
		}
	}
	return "", false
}

// sobject is one object of the data or tooling API.
type sobject struct {
	name, label, labelPlural, prefix string
	tooling                          bool // lives in the tooling API only
	since                            int
	fields                           []field
	verbs                            string // C create, R retrieve, U update, D delete; query is implied
	relationships                    map[string]string
	// rows returns the rows that the caller may see.
	rows func(*call) []soql.Row
	// visible is whether the caller may see that the object exists; nil means always.
	visible func(*call) bool
	// without names the fields that the object lacks in this org; nil means none.
	without func(*call) []string
	// create and update serve POST and PATCH; nil is 405. Their fields are canonical and checked
	// against the description.
	create func(*call, object) *reply
	update func(*call, string, object) *reply
}

// objects lists every object of the org. Each is described in the file of its subject.
func objects() []*sobject {
	return []*sobject{
		tenantSecretObject, organizationObject, userObject, namedCredentialObject, certificateObject, dataKeyObject,
		rootKeyObject,
		eventLogFileObject, userPermissionAccessObject, deployRequestObject,
	}
}

// systemFields are those that nearly every object carries.
func systemFields() []field {
	return []field{
		{name: "Id", label: "Record ID", kind: "id", props: "DFGIS", length: 18},
		{name: "IsDeleted", label: "Deleted", kind: "boolean", props: "DFGS"},
		{name: "CreatedDate", label: "Created Date", kind: "datetime", props: "DFS"},
		{
			name: "CreatedById", label: "Created By ID", kind: "reference", props: "DFGS", length: 18,
			referenceTo: "User", relationship: "CreatedBy",
		},
		{name: "LastModifiedDate", label: "Last Modified Date", kind: "datetime", props: "DFS"},
		{
			name: "LastModifiedById", label: "Last Modified By ID", kind: "reference", props: "DFGS", length: 18,
			referenceTo: "User", relationship: "LastModifiedBy",
		},
		{name: "SystemModstamp", label: "System Modstamp", kind: "datetime", props: "DFS"},
	}
}

// object finds an object that the caller may see, by name in any case.
func (c *call) object(name string, tooling bool) (*sobject, bool) {
	for _, o := range objects() {
		if strings.EqualFold(o.name, name) && o.reachable(c, tooling) && (o.visible == nil || o.visible(c)) {
			return o.inOrg(c), true
		}
	}
	return nil, false
}

// inOrg is the object with the fields that this org has.
func (o *sobject) inOrg(c *call) *sobject {
	if o.without == nil {
		return o
	}
	missing, out := o.without(c), *o
	out.fields = slices.DeleteFunc(slices.Clone(o.fields), func(f field) bool { return slices.Contains(missing, f.name) })
	return &out
}

// reachable is whether the object exists in that API at that version, permissions aside.
func (o *sobject) reachable(c *call, tooling bool) bool {
	return o.since <= c.version && (o.tooling == tooling || tooling && (o.name == "User" || o.name == "Organization"))
}

func (o *sobject) field(name string, version int) (*field, bool) {
	for i := range o.fields {
		if strings.EqualFold(o.fields[i].name, name) && o.fields[i].since <= version {
			return &o.fields[i], true
		}
	}
	return nil, false
}

// soql describes the object to the query engine, at one API version.
func (o *sobject) soql(c *call, depth int) *soql.Object {
	out := &soql.Object{Name: o.name, Relationships: map[string]*soql.Object{}}
	for i := range o.fields {
		f := &o.fields[i]
		if f.since > c.version {
			continue
		}
		out.Fields = append(out.Fields, soql.Field{
			Name: f.name, Type: f.kind, Label: f.label,
			Filterable: f.has("F"), Sortable: f.has("S"), Groupable: f.has("G"), Nillable: f.has("N"),
		})
	}
	if depth == 0 {
		return out
	}
	for name, target := range o.relationships {
		if parent, ok := c.object(target, false); ok {
			out.Relationships[name] = parent.soql(c, depth-1)
		}
	}
	return out
}

// record renders a row, or the given fields of it, as REST does.
func (o *sobject) record(c *call, row soql.Row, paths [][]string) object {
	out := object{{"attributes", o.attributes(c, row)}}
	var parents []string
	for _, path := range paths {
		if len(path) == 1 {
			f, _ := o.field(path[0], c.version)
			out = append(out, member{path[0], renderValue(f, row[path[0]])})
			continue
		}
		if slices.Contains(parents, path[0]) {
			continue
		}
		parents = append(parents, path[0])
		var inner [][]string
		for _, other := range paths {
			if len(other) > 1 && other[0] == path[0] {
				inner = append(inner, other[1:])
			}
		}
		parentRow, _ := row[path[0]].(soql.Row)
		parent, ok := c.object(o.relationships[path[0]], false)
		if parentRow == nil || !ok {
			out = append(out, member{path[0], nil})
			continue
		}
		out = append(out, member{path[0], parent.record(c, parentRow, inner)})
	}
	return out
}

func (o *sobject) attributes(c *call, row soql.Row) object {
	id, _ := row["Id"].(string)
	return object{{"type", o.name}, {"url", o.path(c) + "/" + id}}
}

func (o *sobject) path(c *call) string {
	if o.tooling {
		return c.root() + "/tooling/sobjects/" + o.name
	}
	return c.root() + "/sobjects/" + o.name
}

func renderValue(f *field, value any) any {
	t, ok := value.(time.Time)
	switch {
	case !ok:
		return value
	case t.IsZero():
		return nil
	case f != nil && f.kind == "date":
		return t.UTC().Format(time.DateOnly)
	default:
		return datetime(t)
	}
}

// allPaths lists the fields of the object at the caller's API version.
func (o *sobject) allPaths(c *call) [][]string {
	var out [][]string
	for i := range o.fields {
		if o.fields[i].since <= c.version {
			out = append(out, []string{o.fields[i].name})
		}
	}
	return out
}

// find returns the visible row of an id in any form.
func (o *sobject) find(c *call, id string) (soql.Row, *reply) {
	full, refusal := o.rowID(id)
	if refusal != nil {
		return nil, refusal
	}
	for _, row := range o.rows(c) {
		if row["Id"] == full {
			return row, nil
		}
	}
	return nil, notFound()
}

// rowID checks the id of a URL. Text of no id's shape is taken for an external id field [C
// restforce]; an id of another object or with a wrong check suffix is malformed [D RESTdoc].
func (o *sobject) rowID(id string) (string, *reply) {
	full, ok := parseID(id)
	if ok && strings.HasPrefix(full, o.prefix) {
		return full, nil
	}
	if ok || len(id) == 15 || len(id) == 18 {
		return "", refuse(http.StatusBadRequest, "MALFORMED_ID", o.label+" ID: id value of incorrect type: "+id, "Id")
	}
	return "", refuse(http.StatusNotFound, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: "+
		id)
}

// sobjectHandlers serve /sobjects/... of the data and tooling APIs.

func listObjects(c *call) *reply {
	described := []object{}
	for _, o := range objects() {
		if _, ok := c.object(o.name, c.tooling); ok {
			described = append(described, o.summary(c))
		}
	}
	return ok(object{{"encoding", "UTF-8"}, {"maxBatchSize", 200}, {"sobjects", described}})
}

func showObject(c *call) *reply {
	o, found := c.object(c.param("object"), c.tooling)
	if !found {
		return notFound()
	}
	return ok(object{{"objectDescribe", o.summary(c)}, {"recentItems", []string{}}})
}

func describeObject(c *call) *reply {
	o, found := c.object(c.param("object"), c.tooling)
	if !found {
		return notFound()
	}
	fields := []object{}
	for i := range o.fields {
		if o.fields[i].since <= c.version {
			fields = append(fields, o.fields[i].describe(c))
		}
	}
	out := o.summary(c)
	for i := range out {
		if out[i].name == "urls" {
			out = slices.Insert(out, i, member{"fields", fields})
			break
		}
	}
	return ok(append(out,
		member{"actionOverrides", []string{}}, member{"childRelationships", []string{}},
		member{"namedLayoutInfos", []string{}},
		member{"networkScopeFieldName", nil}, member{"recordTypeInfos", []string{}}, member{"searchLayoutable", false},
		member{"supportedScopes", []object{{{"label", "All " + o.labelPlural}, {"name", "everything"}}}},
		member{"compactLayoutable", false}, member{"defaultImplementation", nil}, member{"implementedBy", nil},
		member{"implementsInterfaces", nil}, member{"extendedBy", nil}, member{"extendsInterfaces", nil},
		member{"lookupLayoutable", nil}, member{"listviewable", nil}, member{"sobjectDescribeOption", "FULL"}))
}

// summary is the description without fields, in the order that was seen [V FtxDoc 6.3].
func (o *sobject) summary(c *call) object {
	path := o.path(c)
	can := func(verb string) bool { return strings.Contains(o.verbs, verb) }
	var prefix any
	if o.prefix != "" {
		prefix = o.prefix
	}
	return object{
		{"queryable", true},
		{"mergeable", false},
		{"hasSubtypes", false},
		{"custom", false},
		{"updateable", can("U")},
		{"replicateable", false},
		{"mruEnabled", false},
		{"labelPlural", o.labelPlural},
		{"deepCloneable", false},
		{"feedEnabled", false},
		{"activateable", false},
		{"triggerable", false},
		{"retrieveable", can("R")},
		{"urls", object{{"rowTemplate", path + "/{ID}"}, {"sobject", path}, {"describe", path + "/describe"}}},
		{"undeletable", false},
		{"keyPrefix", prefix},
		{"layoutable", false},
		{"name", o.name},
		{"isSubtype", false},
		{"isInterface", false},
		{"deletable", can("D")},
		{"deprecatedAndHidden", false},
		{"customSetting", false},
		{"createable", can("C")},
		{"associateParentEntity", nil},
		{"associateEntityType", nil},
		{"searchable", false},
		{"label", o.label},
	}
}

// describe lists a field's properties under the names of the describe call.
func (f *field) describe(c *call) object {
	values := []object{}
	for _, v := range f.values {
		if v.since <= c.version {
			values = append(values, object{
				{"active", true},
				{"defaultValue", f.has("D") && len(values) == 0},
				{"label", v.label},
				{"validFor", nil},
				{"value", v.value},
			})
		}
	}
	references := []string{}
	var relationship any
	if f.referenceTo != "" {
		references = append(references, f.referenceTo)
		if f.relationship != "" {
			relationship = f.relationship
		}
	}
	soapTypes := map[string]string{
		"id": "tns:ID", "reference": "tns:ID", "boolean": "xsd:boolean", "int": "xsd:int", "datetime": "xsd:dateTime",
		"date": "xsd:date", "base64": "xsd:base64Binary",
	}
	soapType, known := soapTypes[f.kind]
	if !known {
		soapType = "xsd:string"
	}
	return object{
		{"aggregatable", f.has("F")},
		{"aiPredictionField", false},
		{"autoNumber", false},
		{"byteLength", f.length * 3},
		{"calculated", false},
		{"calculatedFormula", nil},
		{"cascadeDelete", false},
		{"caseSensitive", false},
		{"compoundFieldName", nil},
		{"controllerName", nil},
		{"createable", f.has("C")},
		{"custom", false},
		{"defaultValue", nil},
		{"defaultValueFormula", nil},
		{"defaultedOnCreate", f.has("D")},
		{"dependentPicklist", false},
		{"deprecatedAndHidden", false},
		{"digits", 0},
		{"displayLocationInDecimal", false},
		{"encrypted", false},
		{"externalId", false},
		{"extraTypeInfo", nil},
		{"filterable", f.has("F")},
		{"filteredLookupInfo", nil},
		{"formulaTreatNullNumberAsZero", false},
		{"groupable", f.has("G")},
		{"highScaleNumber", false},
		{"htmlFormatted", false},
		{"idLookup", f.has("I")},
		{"inlineHelpText", nil},
		{"label", f.label},
		{"length", f.length},
		{"mask", nil},
		{"maskType", nil},
		{"name", f.name},
		{"nameField", false},
		{"namePointing", false},
		{"nillable", f.has("N")},
		{"permissionable", false},
		{"picklistValues", values},
		{"polymorphicForeignKey", false},
		{"precision", 0},
		{"queryByDistance", false},
		{"referenceTargetField", nil},
		{"referenceTo", references},
		{"relationshipName", relationship},
		{"relationshipOrder", nil},
		{"restrictedDelete", false},
		{"restrictedPicklist", len(f.values) > 0},
		{"scale", 0},
		{"searchPrefilterable", false},
		{"soapType", soapType},
		{"sortable", f.has("S")},
		{"type", f.kind},
		{"unique", false},
		{"updateable", f.writable("U", c.version)},
		{"writeRequiresMasterRead", false},
	}
}

// getRow serves a row, or with ?fields= some of its fields.
func getRow(c *call) *reply {
	o, found := c.object(c.param("object"), c.tooling)
	if !found {
		return notFound()
	}
	paths := o.allPaths(c)
	if list, given := c.query("fields"); given {
		paths = nil
		for name := range strings.SplitSeq(list, ",") {
			f, ok := o.field(strings.TrimSpace(name), c.version)
			if !ok {
				c.violation("asks for the field %q, which %s does not have", name, o.name)
				return noSuchColumn(name, o.name)
			}
			if !slices.ContainsFunc(paths, func(p []string) bool { return p[0] == f.name }) {
				paths = append(paths, []string{f.name})
			}
		}
		if !slices.ContainsFunc(paths, func(p []string) bool { return p[0] == "Id" }) {
			paths = append(paths, []string{"Id"})
		}
	}
	row, refusal := o.find(c, c.param("id"))
	if refusal != nil {
		return refusal
	}
	if since, err := http.ParseTime(c.r.Header.Get("If-Modified-Since")); err == nil {
		if modified, ok := row["LastModifiedDate"].(time.Time); ok && !modified.After(since) {
			return &reply{status: http.StatusNotModified}
		}
	}
	c.noteExport(o, paths, []soql.Row{row})
	return ok(o.record(c, row, paths))
}

func createRow(c *call) *reply {
	o, found := c.object(c.param("object"), c.tooling)
	if !found {
		return notFound()
	}
	// Unknown fields are refused even if nothing can be created, as a CLI found out with
	// Certificate [C].
	values, refusal := o.readRecord(c, "C")
	if refusal != nil && (o.create != nil || refusal.errorCode == "INVALID_FIELD") {
		return refusal
	}
	if o.create == nil {
		return methodNotAllowed(c.r.Method, []string{"HEAD", "GET"})
	}
	return o.create(c, values)
}

func updateRow(c *call) *reply {
	o, found := c.object(c.param("object"), c.tooling)
	if !found {
		return notFound()
	}
	if o.update == nil {
		return methodNotAllowed(c.r.Method, []string{"HEAD", "GET"})
	}
	row, refusal := o.find(c, c.param("id"))
	if refusal != nil {
		return refusal
	}
	if header := c.r.Header.Get("If-Unmodified-Since"); header != "" {
		since, err := http.ParseTime(header)
		if err != nil {
			return refuse(http.StatusBadRequest, "INVALID_HEADER", // invented: the docs give the status only
				"The If-Unmodified-Since header is not a valid date")
		}
		if modified, ok := row["LastModifiedDate"].(time.Time); ok && modified.After(since) {
			return refuse(http.StatusPreconditionFailed, "PRECONDITION_FAILED", // invented likewise
				"The record was modified after the date of the If-Unmodified-Since header")
		}
	}
	values, refusal := o.readRecord(c, "U")
	if refusal != nil {
		return refusal
	}
	id, _ := row["Id"].(string)
	return o.update(c, id, values)
}

// deleteRow refuses: no object of the org can be deleted by REST.
func deleteRow(c *call) *reply {
	o, found := c.object(c.param("object"), c.tooling)
	if !found {
		return notFound()
	}
	if _, refusal := o.find(c, c.param("id")); refusal != nil {
		return refusal
	}
	allowed := []string{"HEAD", "GET"}
	if o.update != nil {
		allowed = append(allowed, "PATCH")
	}
	return methodNotAllowed(c.r.Method, allowed)
}

func noSuchColumn(name, object string) *reply {
	return refuse(http.StatusBadRequest, "INVALID_FIELD",
		fmt.Sprintf("No such column '%s' on sobject of type %s", name, object))
}

// readRecord reads the body of a POST (prop C) or PATCH (prop U) and checks it against the object's
// description. The values come back under canonical names: string, bool, json.Number or nil;
// picklist values in canonical case.
func (o *sobject) readRecord(c *call, prop string) (object, *reply) {
	if refusal := c.needJSON(); refusal != nil {
		return nil, refusal
	}
	if len(c.body) == 0 {
		c.violation("sends no body")
		return nil, refuse(http.StatusBadRequest, "JSON_PARSER_ERROR", // [R]
			"The HTTP entity body is required, but this request has no entity body.")
	}
	sent, err := parseObject(c.body)
	if err != nil {
		c.violation("sends a body that is not one JSON object: %v", err)
		return nil, refuse(http.StatusBadRequest, "JSON_PARSER_ERROR", err.Error()) // wording invented
	}
	var out object
	var forbidden []string
	for _, m := range sent {
		if strings.EqualFold(m.name, "attributes") {
			continue
		}
		f, known := o.field(m.name, c.version)
		if !known {
			c.entry.Fields = append(c.entry.Fields, m.name)
			c.violation("sends the field %q, which %s does not have in API %d.0", m.name, o.name, c.version)
			return nil, noSuchColumn(m.name, o.name)
		}
		c.entry.Fields = append(c.entry.Fields, f.name)
		if !f.writable(prop, c.version) {
			forbidden = append(forbidden, f.name)
			continue
		}
		value, refusal := f.accept(c, m.value)
		if refusal != nil {
			return nil, refusal
		}
		out = append(out, member{f.name, value})
	}
	if len(forbidden) > 0 {
		return nil, refuse(http.StatusBadRequest, "INVALID_FIELD_FOR_INSERT_UPDATE", fmt.Sprintf(
			"Unable to create/update fields: %s. Please check the security settings of this field and verify that it is "+
				"read/write for your profile or permission set.", strings.Join(forbidden, ", ")), forbidden...)
	}
	return out, nil
}

// accept checks one value against the field's type, length and picklist.
func (f *field) accept(c *call, value any) (any, *reply) {
	if value == nil {
		return nil, nil
	}
	text, isText := value.(string)
	switch f.kind {
	case "boolean":
		if _, ok := value.(bool); !ok {
			return nil, cannotDeserialize(c, f, "boolean", value)
		}
		return value, nil
	case "int":
		if _, ok := value.(json.Number); !ok {
			return nil, cannotDeserialize(c, f, "int", value)
		}
		return value, nil
	default:
		if !isText {
			return nil, cannotDeserialize(c, f, "string", value)
		}
	}
	if f.kind == "picklist" && text != "" {
		canonical, ok := f.allowed(text, c.version)
		if !ok {
			return nil, refuse(http.StatusBadRequest, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
				fmt.Sprintf("%s: bad value for restricted picklist field: %s", f.label, text), f.name)
		}
		return canonical, nil
	}
	if f.length > 0 && len([]rune(text)) > f.length && f.kind != "base64" {
		return nil, refuse(http.StatusBadRequest, "STRING_TOO_LONG", // wording [R]
			fmt.Sprintf("%s: data value too large: %s (max length=%d)", f.label, text, f.length), f.name)
	}
	return text, nil
}

func cannotDeserialize(c *call, f *field, want string, value any) *reply {
	token := map[bool]string{true: "VALUE_TRUE", false: "VALUE_FALSE"}
	got := "START_OBJECT"
	switch v := value.(type) {
	case string:
		got = "VALUE_STRING"
	case bool:
		got = token[v]
	case json.Number:
		got = "VALUE_NUMBER_INT"
	}
	c.violation("sends a value of the wrong JSON type for %s", f.name)
	// [R], without the value and position that the real message has
	return refuse(http.StatusBadRequest, "JSON_PARSER_ERROR",
		fmt.Sprintf("Cannot deserialize instance of %s from %s or request may be missing a required field", want, got),
		f.name)
}

// text returns the text of a member; "" when it is null or absent.
func (o object) text(name string) string {
	for _, m := range o {
		if m.name == name {
			text, _ := m.value.(string)
			return text
		}
	}
	return ""
}

func (o object) given(name string) bool {
	return slices.ContainsFunc(o, func(m member) bool { return m.name == name })
}

func nullable(text string) any {
	if text == "" {
		return nil
	}
	return text
}
