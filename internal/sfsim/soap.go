package sfsim

import (
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim/metadata"
)

// The SOAP form of the Metadata API, at /services/Soap/m/XX.0, as far as jsforce and the Salesforce
// CLI need it. Results are those of the REST form, as XML.

const soapPath = "/services/Soap/m/"

const soapNamespace = "http://schemas.xmlsoap.org/soap/envelope/"

// soapCall is a call on its way through the SOAP endpoint.
type soapCall struct {
	*call

	body *metadata.Element // the operation
}

// soapFault is a refusal: HTTP 500, with the code under the prefix sf [C jsforce, which tests for
// it].
func soapFault(code, text string) *reply {
	fault := "<soapenv:Fault><faultcode>sf:" + code + "</faultcode><faultstring>" + metadata.EscapeXML(code+": "+text) +
		"</faultstring></soapenv:Fault>"
	r := soapReply(fault)
	r.status, r.errorCode = http.StatusInternalServerError, code
	return r
}

func soapReply(body string) *reply {
	envelope := xml.Header + `<soapenv:Envelope xmlns:soapenv="` + soapNamespace + `" xmlns="` + metadata.Namespace +
		`" xmlns:sf="http://soap.sforce.com/2006/04/fault" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` +
		`<soapenv:Body>` + body + `</soapenv:Body></soapenv:Envelope>`
	return &reply{status: http.StatusOK, body: []byte(envelope), contentType: "text/xml;charset=UTF-8"}
}

// soapOperations are the calls that the simulator has.
func soapOperations() map[string]func(*soapCall) *reply {
	return map[string]func(*soapCall) *reply{
		"deploy":              (*soapCall).deploy,
		"checkDeployStatus":   (*soapCall).checkDeployStatus,
		"cancelDeploy":        (*soapCall).cancelDeploy,
		"retrieve":            (*soapCall).retrieve,
		"checkRetrieveStatus": (*soapCall).checkRetrieveStatus,
		"readMetadata":        (*soapCall).readMetadata,
		"updateMetadata":      (*soapCall).updateMetadata,
		"deleteMetadata":      (*soapCall).deleteMetadata,
		"listMetadata":        (*soapCall).listMetadata,
		"describeMetadata":    (*soapCall).describeMetadata,
	}
}

// dispatchSOAP authenticates by the session header and serves one operation. path is what follows
// /services/Soap/m/: the version, and optionally the org id.
func (c *call) dispatchSOAP(path string) *reply {
	c.entry.Operation = "soap"
	if c.r.Method != http.MethodPost {
		c.violation("uses %s on the SOAP endpoint", c.r.Method)
		return methodNotAllowed(c.r.Method, []string{"POST"})
	}
	version, _, _ := strings.Cut(path, "/")
	number, err := strconv.Atoi(strings.TrimSuffix(version, ".0"))
	if err != nil || version != fmt.Sprintf("%d.0", number) || number < minVersion || number > maxVersion {
		return soapFault("UNSUPPORTED_API_VERSION", "Invalid Api version specified on URL") // [R]
	}
	c.version = number
	envelope, err := metadata.ParseXML(c.body)
	if err != nil || envelope.Name != (xml.Name{Space: soapNamespace, Local: "Envelope"}) {
		c.violation("sends a body that is no SOAP envelope")
		return soapFault("UNKNOWN_EXCEPTION", "The request is not a SOAP envelope") // invented
	}
	token := envelope.Child("Header").Child("SessionHeader").ChildText("sessionId")
	c.session = c.s.session(token)
	if token == "" || c.session == nil || strings.Count(token, ".") == 2 { // tokens in the form of a JWT are for REST [C]
		return soapFault("INVALID_SESSION_ID",
			"Invalid Session ID found in SessionHeader: Illegal Session. Session not found, missing session hash") // [R]
	}
	w := c.s.world
	w.apiUsage++
	switch {
	case w.settings.APIDisabled:
		return soapFault("API_DISABLED_FOR_ORG", "API is disabled for this org") // wording [R]
	case w.apiUsage > w.settings.APILimit:
		return soapFault("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
	case !w.permissions.ModifyMetadata:
		return soapFault("INSUFFICIENT_ACCESS",
			"use of the Metadata API requires a user with the ModifyAllData or ModifyMetadata permissions") // [R]
	}
	body := envelope.Child("Body")
	if body == nil || len(body.Children) != 1 {
		c.violation("sends a SOAP envelope without exactly one operation")
		return soapFault("UNKNOWN_EXCEPTION", "The envelope holds no operation, or more than one") // invented
	}
	operation := body.Children[0]
	handle, known := soapOperations()[operation.Name.Local]
	if !known || operation.Name.Space != metadata.Namespace {
		c.violation("calls the SOAP operation %s, which the simulator does not have", operation.Name.Local)
		return soapFault("UNKNOWN_EXCEPTION", "No operation available for request "+operation.Name.Local) // wording [R]
	}
	c.entry.Operation = "soap." + operation.Name.Local
	return handle(&soapCall{c, operation})
}

// answer wraps a result as <{operation}Response><result>.
func (c *soapCall) answer(results ...string) *reply {
	name := c.body.Name.Local + "Response"
	var out strings.Builder
	out.WriteString("<" + name + ">")
	for _, result := range results {
		out.WriteString("<result>" + result + "</result>")
	}
	out.WriteString("</" + name + ">")
	return soapReply(out.String())
}

// renderXML writes a value of a JSON reply as XML: members become elements, lists repeat theirs,
// and null is left out.
func renderXML(out *strings.Builder, name string, value any) {
	switch value := value.(type) {
	case nil:
	case object:
		out.WriteString("<" + name + ">")
		for _, m := range value {
			renderXML(out, m.name, m.value)
		}
		out.WriteString("</" + name + ">")
	case []object:
		for _, item := range value {
			renderXML(out, name, item)
		}
	default:
		out.WriteString("<" + name + ">" + metadata.EscapeXML(fmt.Sprint(value)) + "</" + name + ">")
	}
}

func xmlMembers(value object) string {
	var out strings.Builder
	for _, m := range value {
		renderXML(&out, m.name, m.value)
	}
	return out.String()
}

// parameter finds a child in any case: jsforce and the WSDL do not agree on the case of deploy's.
func (c *soapCall) parameter(name string) *metadata.Element {
	for _, child := range c.body.Children {
		if strings.EqualFold(child.Name.Local, name) {
			return child
		}
	}
	return nil
}

func (c *soapCall) text(name string) string {
	if e := c.parameter(name); e != nil {
		return e.Text
	}
	return ""
}

func (c *soapCall) deploy() *reply {
	zip, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(c.text("ZipFile")), ""))
	if err != nil || len(zip) == 0 {
		c.violation("deploys a ZipFile that is not base64")
		return soapFault("INVALID_ZIP", "ZipFile is not base64") // invented
	}
	// The options' elements have the names of the REST form, so that form reads them.
	options := object{}
	if e := c.parameter("DeployOptions"); e != nil {
		var tests []string
		for _, option := range e.Children {
			switch option.Name.Local {
			case "runTests":
				tests = append(tests, option.Text)
			case "testLevel":
				options = append(options, member{"testLevel", option.Text})
			default:
				options = append(options, member{option.Name.Local, option.Text == "true" || option.Text == "1"})
			}
		}
		if tests != nil {
			options = append(options, member{"runTests", tests})
		}
	}
	encoded, err := json.Marshal(object{{"deployOptions", options}})
	if err != nil {
		return soapFault("UNKNOWN_EXCEPTION", "the deploy options can't be read")
	}
	parsed, err := parseDeployOptions(encoded)
	if err != nil {
		c.violation("deploys with options that can't be read: %v", err)
		return soapFault("INVALID_OPERATION", err.Error()) // invented
	}
	d := c.submit(parsed, zip)
	answer := c.answer(xmlMembers(object{{"done", false}, {"id", d.id}, {"state", "Queued"}}))
	answer.committed = true
	return answer
}

// unknownProcess refuses an id that no asynchronous call has [R].
func (c *soapCall) unknownProcess(id string) *reply {
	return soapFault("INVALID_CROSS_REFERENCE_KEY", "no deployment or retrieve has the id "+id)
}

func (c *soapCall) checkDeployStatus() *reply {
	id := c.text("asyncProcessId")
	d := c.deployment(id)
	if d == nil {
		return c.unknownProcess(id)
	}
	d.poll(c.call)
	answer := c.answer(xmlMembers(d.result(c.call, c.text("includeDetails") == "true")))
	answer.committed = d.applied() && d.finished.Equal(c.now)
	return answer
}

func (c *soapCall) cancelDeploy() *reply {
	id := c.text("String")
	d := c.deployment(id)
	switch {
	case d == nil:
		return c.unknownProcess(id)
	case !d.cancel(c.call):
		return soapFault("INVALID_ID_FIELD", "Deployment already completed") // [R]
	}
	return c.answer(xmlMembers(object{{"done", false}, {"id", d.id}}))
}

// component is a component of the org, as a retrieve and the read calls see it.
type component struct {
	typ, name, file string
	id              string
	body            []byte // of the main file
	meta            []byte // of the -meta.xml beside it; nil for none
	record          string // elements of the SOAP record
	xsi             string
	created         time.Time
}

// components lists what the caller may read. Without the permissions nothing is there [R].
func (c *call) components() []component {
	w := c.s.world
	var out []component
	if w.permissions.ManageCertificates && w.permissions.CustomizeApplication {
		for _, cert := range w.certificates {
			described := metadata.Certificate{
				CASigned: cert.caSigned, EncryptedWithPlatformEncryption: cert.platformEncryption, ExpirationDate: cert.expires,
				KeySize: cert.keySize, MasterLabel: cert.masterLabel, PrivateKeyExportable: cert.privateKeyExportable,
			}
			content := []byte(cert.pem()) // [C public code: the file is PEM]
			out = append(out, component{
				typ: "Certificate", name: cert.developerName, file: "certs/" + cert.developerName + ".crt", id: cert.id,
				body: content,
				meta: described.Body(), created: cert.created, xsi: "Certificate",
				record: described.Elements() + "<content>" + base64.StdEncoding.EncodeToString(content) + "</content>", // [I]
			})
		}
	}
	for _, t := range metadata.SettingsTypes() {
		values := w.readSettings(t)
		out = append(out, component{
			typ: "Settings", name: t.Member, file: "settings/" + t.Member + ".settings", body: values.Body(c.version),
			xsi:    t.Root,
			record: values.Elements(c.version), created: w.mainUser().created,
		})
	}
	return out
}

// component finds a component; settings are also known by the name of their own type.
func (c *call) component(typ, name string) (component, bool) {
	list := c.components()
	i := slices.IndexFunc(list, func(x component) bool { return (x.typ == typ || x.xsi == typ) && x.name == name })
	if i < 0 {
		return component{}, false
	}
	return list[i], true
}

func (c *soapCall) readMetadata() *reply {
	typ := c.text("type")
	if !c.knownType(typ) {
		return soapFault("INVALID_TYPE", "This type of metadata is not available for this organization") // [R]
	}
	var records strings.Builder
	for _, name := range c.body.All("fullNames") {
		found, ok := c.component(typ, name.Text)
		if !ok {
			records.WriteString(`<records xsi:nil="true"/>`) // [R]
			continue
		}
		records.WriteString(`<records xsi:type="` + found.xsi + `"><fullName>` + found.name + "</fullName>" + found.record +
			"</records>")
	}
	return c.answer(records.String())
}

func (c *soapCall) knownType(typ string) bool {
	if _, ok := metadata.SettingsByName(typ); ok && strings.HasSuffix(typ, "Settings") {
		return true
	}
	if typ == "Certificate" || typ == "Settings" {
		return true
	}
	c.violation("asks for the metadata type %q, which the simulator does not have", typ)
	return false
}

// updateMetadata changes settings. Other types go by deploy.
func (c *soapCall) updateMetadata() *reply {
	var results []string
	for _, record := range c.body.All("metadata") {
		name := record.ChildText("fullName")
		t, ok := metadata.SettingsByName(xsiType(record))
		if !ok || t.Member != name {
			c.violation("updates metadata of type %q, of which the simulator updates settings only", xsiType(record))
			results = append(results, saveResult(name, "INVALID_TYPE",
				"the simulator updates encryption settings only, by their full name"))
			continue
		}
		record.Children = slices.DeleteFunc(record.Children, func(e *metadata.Element) bool {
			return e.Name.Local == "fullName"
		})
		wanted, problem := metadata.ParseSettings(t, record, c.version)
		if problem != nil {
			results = append(results, saveResult(name, "FIELD_INTEGRITY_EXCEPTION", problem.Text))
			continue
		}
		var step deployStep
		if text := c.s.world.planSettings(&step, wanted, c.now, c.session.user); text != "" {
			results = append(results, saveResult(name, "FIELD_INTEGRITY_EXCEPTION", text))
			continue
		}
		if err := step.apply(); err != nil {
			results = append(results, saveResult(name, "UNKNOWN_EXCEPTION", err.Error()))
			continue
		}
		results = append(results, saveResult(name, "", ""))
	}
	answer := c.answer(results...)
	answer.committed = true
	return answer
}

func xsiType(e *metadata.Element) string {
	for _, attribute := range e.Attr {
		if attribute.Name.Local == "type" {
			_, local, found := strings.Cut(attribute.Value, ":")
			if !found {
				local = attribute.Value
			}
			return local
		}
	}
	return ""
}

func saveResult(name, code, text string) string {
	out := object{{"fullName", name}, {"success", code == ""}}
	if code != "" {
		out = object{{"errors", object{{"message", text}, {"statusCode", code}}}, {"fullName", name}, {"success", false}}
	}
	return xmlMembers(out)
}

func (c *soapCall) deleteMetadata() *reply {
	typ := c.text("type")
	if !c.knownType(typ) {
		return soapFault("INVALID_TYPE", "This type of metadata is not available for this organization") // [R]
	}
	var results []string
	for _, name := range c.body.All("fullNames") {
		if typ != "Certificate" {
			results = append(results, saveResult(name.Text, "INSUFFICIENT_ACCESS", "Settings can't be deleted")) // invented
			continue
		}
		var step deployStep
		existing := c.s.world.certificateByName(name.Text)
		text := c.s.world.planDeletion(&step, name.Text)
		switch {
		case existing == nil:
			results = append(results, saveResult(name.Text, "INVALID_CROSS_REFERENCE_KEY", text))
		case text != "":
			results = append(results, saveResult(name.Text, "DELETE_FAILED", text))
		default:
			if err := step.apply(); err != nil {
				return soapFault("UNKNOWN_EXCEPTION", err.Error())
			}
			results = append(results, saveResult(name.Text, "", ""))
		}
	}
	answer := c.answer(results...)
	answer.committed = true
	return answer
}

// properties is FileProperties of one file.
func (c *call) properties(x component, folder string) object {
	u := c.s.world.mainUser()
	name := u.firstName + " " + u.lastName
	return object{
		{"createdById", u.id},
		{"createdByName", name},
		{"createdDate", xsdDateTime(x.created)},
		{"fileName", folder + x.file},
		{"fullName", x.name},
		{"id", x.id},
		{"lastModifiedById", u.id},
		{"lastModifiedByName", name},
		{"lastModifiedDate", xsdDateTime(x.created)},
		{"type", x.typ},
	}
}

func xsdDateTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func (c *soapCall) listMetadata() *reply {
	var results []string
	for _, query := range c.body.All("queries") {
		typ := query.ChildText("type")
		if !c.knownType(typ) {
			return soapFault("INVALID_TYPE", "Unknown type:"+typ) // [R]
		}
		for _, x := range c.components() {
			if x.typ == typ {
				results = append(results, xmlMembers(c.properties(x, "")))
			}
		}
	}
	return c.answer(results...)
}

func (c *soapCall) describeMetadata() *reply {
	production := c.s.world.organization.kind == Production
	return c.answer(xmlMembers(object{
		{"metadataObjects", []object{
			{{"directoryName", "certs"}, {"inFolder", false}, {"metaFile", true}, {"suffix", "crt"}, {"xmlName", "Certificate"}},
			{
				{"directoryName", "settings"},
				{"inFolder", false},
				{"metaFile", false},
				{"suffix", "settings"},
				{"xmlName", "Settings"},
			},
		}},
		{"organizationNamespace", ""},
		{"partialSaveAllowed", !production},
		{"testRequired", production},
	}))
}

// retrieval is one asynchronous retrieve.
type retrieval struct {
	id     string
	polls  int
	single bool
	wanted []metadata.Member
}

func (c *soapCall) retrieve() *reply {
	request := c.parameter("retrieveRequest")
	if request == nil {
		request = c.parameter("request") // as jsforce calls it
	}
	if request == nil {
		c.violation("retrieves without a retrieveRequest")
		return soapFault("UNKNOWN_EXCEPTION", "retrieveRequest is missing") // invented
	}
	r := &retrieval{id: c.s.world.newID("09S"), single: request.ChildText("singlePackage") == "true"}
	if len(request.All("packageNames")) > 0 {
		c.violation("retrieves packages, of which the simulator has none")
		return soapFault("INVALID_CROSS_REFERENCE_KEY", "No package named "+request.ChildText("packageNames")) // [R]
	}
	for _, types := range request.Child("unpackaged").All("types") {
		for _, name := range types.All("members") {
			r.wanted = append(r.wanted, metadata.Member{Type: types.ChildText("name"), Name: name.Text})
		}
	}
	e := c.s.world.estate()
	e.retrievals = append(e.retrievals, r)
	return c.answer(xmlMembers(object{{"done", false}, {"id", r.id}, {"state", "Queued"}}))
}

func (c *soapCall) checkRetrieveStatus() *reply {
	id, _ := parseID(c.text("asyncProcessId"))
	list := c.s.world.estate().retrievals
	i := slices.IndexFunc(list, func(r *retrieval) bool { return r.id == id })
	if i < 0 {
		return c.unknownProcess(c.text("asyncProcessId"))
	}
	r := list[i]
	if r.polls++; r.polls < c.s.world.settings.DeployPolls {
		return c.answer(xmlMembers(object{{"done", false}, {"id", r.id}, {"status", deployRunning}, {"success", false}}))
	}
	result, zip, err := c.retrieved(r)
	if err != nil {
		return soapFault("UNKNOWN_EXCEPTION", "the retrieved zip can't be written")
	}
	if c.text("includeZip") != "false" {
		result = append(result, member{"zipFile", base64.StdEncoding.EncodeToString(zip)})
	}
	return c.answer(xmlMembers(result))
}

// retrieved writes the zip of a retrieve. Members that do not exist become messages [C].
func (c *call) retrieved(r *retrieval) (object, []byte, error) {
	folder := "unpackaged/"
	if r.single {
		folder = ""
	}
	manifest := metadata.Manifest{Version: fmt.Sprintf("%d.0", c.version)}
	var files []metadata.File
	var properties, messages []object
	take := func(x component) {
		manifest.Members = append(manifest.Members, metadata.Member{Type: x.typ, Name: x.name})
		files = append(files, metadata.File{Name: folder + x.file, Body: x.body})
		properties = append(properties, c.properties(x, folder))
		if x.meta != nil {
			files = append(files, metadata.File{Name: folder + x.file + "-meta.xml", Body: x.meta})
		}
	}
	for _, wanted := range r.wanted {
		if wanted.Name == "*" {
			for _, x := range c.components() {
				if x.typ == wanted.Type {
					take(x)
				}
			}
			continue
		}
		if x, ok := c.component(wanted.Type, wanted.Name); ok && x.typ == wanted.Type {
			take(x)
			continue
		}
		messages = append(messages, object{{"fileName", folder + "package.xml"}, {
			"problem", "Entity of type '" + wanted.Type + "' named '" + wanted.Name + "' cannot be found",
		}})
	}
	slices.SortStableFunc(manifest.Members, func(a, b metadata.Member) int { return strings.Compare(a.Type, b.Type) })
	files = append(files, metadata.File{Name: folder + "package.xml", Body: manifest.Body()})
	properties = append(properties, c.properties(component{
		typ: "Package", name: folder + "package.xml",
		file: "package.xml", created: c.now,
	}, folder))
	zip, err := metadata.WriteArchive(files)
	return object{
		{"done", true},
		{"fileProperties", properties},
		{"id", r.id},
		{"messages", messages},
		{"status", deploySucceeded},
		{"success", true},
	}, zip, err
}
