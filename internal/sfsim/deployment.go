package sfsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim/metadata"
)

// States of a deployment [C jsforce metadata WSDL].
const (
	deployPending   = "Pending"
	deployRunning   = "InProgress"
	deploySucceeded = "Succeeded"
	deployPartial   = "SucceededPartial"
	deployFailed    = "Failed"
	deployCanceling = "Canceling"
	deployCanceled  = "Canceled"
)

// deployOptions are the switches of a deployment that the simulator knows [C jsforce].
type deployOptions struct {
	AllowMissingFiles bool     `json:"allowMissingFiles"`
	AutoUpdatePackage bool     `json:"autoUpdatePackage"`
	CheckOnly         bool     `json:"checkOnly"`
	IgnoreWarnings    bool     `json:"ignoreWarnings"`
	PerformRetrieve   bool     `json:"performRetrieve"`
	PurgeOnDelete     bool     `json:"purgeOnDelete"`
	RollbackOnError   bool     `json:"rollbackOnError"`
	RunTests          []string `json:"runTests"`
	SinglePackage     bool     `json:"singlePackage"`
	TestLevel         string   `json:"testLevel,omitempty"`
}

var testLevels = []string{"", "NoTestRun", "RunSpecifiedTests", "RunLocalTests", "RunAllTestsInOrg"}

func (o deployOptions) validate() error {
	switch {
	case !slices.Contains(testLevels, o.TestLevel):
		return fmt.Errorf("testLevel %q is none of %s", o.TestLevel, strings.Join(testLevels[1:], ", "))
	case len(o.RunTests) > 0 && o.TestLevel != "RunSpecifiedTests":
		return errors.New("runTests needs the testLevel RunSpecifiedTests")
	case len(o.RunTests) > 0:
		return errors.New("the org of the simulator has no Apex tests to run")
	}
	return nil
}

// deployment is one asynchronous deploy.
type deployment struct {
	id       string
	options  deployOptions
	version  int // of the API that it came by
	zip      []byte
	status   string
	polls    int
	started  time.Time // submitted
	finished time.Time
	by       *user
	canceler *user

	total     int
	successes []deployMessage
	failures  []deployMessage
	message   string // why it failed as a whole
}

// deployMessage is the outcome of one component.
type deployMessage struct {
	metadata.Problem

	id                        string
	created, changed, deleted bool
	at                        time.Time
}

func (d *deployment) done() bool { return !d.finished.IsZero() }

// deployRoutes serve deploys by REST, API 36+ [C jsforce src/api/metadata.ts].
func deployRoutes() []route {
	return []route{
		{"POST", "metadata/deployRequest", "metadata.deploy", 36, startDeploy},
		{"GET", "metadata/deployRequest/{id}", "metadata.deploy.status", 36, showDeploy},
		{"PATCH", "metadata/deployRequest/{id}", "metadata.deploy.cancel", 36, cancelDeploy},
	}
}

// mayUseMetadata refuses callers without the permission for the Metadata API [D; wording R].
func (c *call) mayUseMetadata() *reply {
	if c.s.world.permissions.ModifyMetadata {
		return nil
	}
	return refuse(http.StatusForbidden, "INSUFFICIENT_ACCESS",
		"use of the Metadata API requires a user with the ModifyAllData or ModifyMetadata permissions")
}

func startDeploy(c *call) *reply {
	if refusal := c.mayUseMetadata(); refusal != nil {
		return refusal
	}
	options, zip, refusal := c.readDeployRequest()
	if refusal != nil {
		return refusal
	}
	d := c.submit(options, zip)
	body := object{
		{"id", d.id}, {"validatedDeployRequestId", nil}, {"deployOptions", d.options}, {"deployResult", d.result(c, true)},
	}
	return &reply{status: http.StatusCreated, committed: true, body: body}
}

// readDeployRequest reads the two parts of the multipart body. The options' part is called json by
// Salesforce and entity_content by jsforce [D; C jsforce; R that both are accepted].
func (c *call) readDeployRequest() (deployOptions, []byte, *reply) {
	var options deployOptions
	mediaType, params, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || mediaType != "multipart/form-data" {
		c.violation("sends a deploy of Content-Type %q, expected multipart/form-data", c.r.Header.Get("Content-Type"))
		return options, nil, refuse(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE",
			"Content type of the request body is not supported")
	}
	wrong := func(format string, args ...any) (deployOptions, []byte, *reply) {
		text := fmt.Sprintf(format, args...)
		c.violation("sends a deploy that can't be read: %s", text)
		return options, nil, refuse(http.StatusBadRequest, "INVALID_MULTIPART_REQUEST", text) // [R], texts invented
	}
	var zip []byte
	var hasOptions, hasFile bool
	parts := multipart.NewReader(bytes.NewReader(c.body), params["boundary"])
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return wrong("the multipart body is malformed")
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return wrong("the multipart body ends early")
		}
		partType, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type"))
		c.entry.Fields = append(c.entry.Fields, part.FormName())
		switch name := part.FormName(); name {
		case "json", "entity_content":
			if hasOptions {
				return wrong("the deploy options are given twice")
			}
			hasOptions = true
			if partType != "application/json" {
				return wrong("the part %s is of Content-Type %q, expected application/json", name, partType)
			}
			if options, err = parseDeployOptions(content); err != nil {
				return wrong("the part %s: %v", name, err)
			}
		case "file":
			if hasFile {
				return wrong("the file is given twice")
			}
			hasFile = true
			if partType != "application/zip" && partType != "application/octet-stream" {
				return wrong("the part file is of Content-Type %q, expected application/zip", partType)
			}
			if part.FileName() == "" {
				return wrong("the part file has no file name")
			}
			zip = content
		default:
			return wrong("there is a part %q, expected json (or entity_content) and file", name)
		}
	}
	if !hasOptions || !hasFile {
		return wrong("expected a part json (or entity_content) and a part file")
	}
	return options, zip, nil
}

func parseDeployOptions(body []byte) (deployOptions, error) {
	var wrapper struct {
		DeployOptions *deployOptions `json:"deployOptions"`
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&wrapper); err != nil {
		return deployOptions{}, fmt.Errorf("not deploy options: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return deployOptions{}, errors.New("text after the deploy options")
	}
	if wrapper.DeployOptions == nil {
		return deployOptions{}, errors.New("deployOptions are missing")
	}
	return *wrapper.DeployOptions, wrapper.DeployOptions.validate()
}

// submit queues a deployment.
func (c *call) submit(options deployOptions, zip []byte) *deployment {
	w := c.s.world
	d := &deployment{
		id: w.newID("0Af"), options: options, version: c.version, zip: zip, status: deployPending, started: c.now,
		by: c.session.user,
	}
	e := w.estate()
	e.deployments = append(e.deployments, d)
	return d
}

func (c *call) deployment(id string) *deployment {
	full, _ := parseID(id)
	for _, d := range c.s.world.estate().deployments {
		if d.id == full {
			return d
		}
	}
	return nil
}

// showDeploy answers the state of a deployment. Each time it is asked, the deployment gets on.
func showDeploy(c *call) *reply {
	if refusal := c.mayUseMetadata(); refusal != nil {
		return refusal
	}
	d := c.deployment(c.param("id"))
	if d == nil {
		return notFound()
	}
	details, _ := c.query("includeDetails")
	d.poll(c)
	answer := ok(object{
		{"id", d.id},
		{"validatedDeployRequestId", nil},
		{"deployResult", d.result(c, details == "true")},
		{"deployOptions", d.options},
	})
	answer.committed = d.applied() && d.finished.Equal(c.now)
	return answer
}

// cancelDeploy serves PATCH {"deployResult":{"status":"Canceling"}} [D]. It is answered before the
// deployment has ended.
func cancelDeploy(c *call) *reply {
	if refusal := c.mayUseMetadata(); refusal != nil {
		return refusal
	}
	if refusal := c.needJSON(); refusal != nil {
		return refusal
	}
	var body struct {
		DeployResult struct {
			Status string `json:"status"`
		} `json:"deployResult"`
	}
	decoder := json.NewDecoder(bytes.NewReader(c.body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil || body.DeployResult.Status != deployCanceling {
		c.violation("cancels a deployment with a body that is not {\"deployResult\":{\"status\":\"Canceling\"}}")
		return refuse(http.StatusBadRequest, "JSON_PARSER_ERROR", "expected the status Canceling in deployResult") // invented
	}
	d := c.deployment(c.param("id"))
	if d == nil {
		return notFound()
	}
	if !d.cancel(c) {
		return refuse(http.StatusBadRequest, "INVALID_ID_FIELD", "Deployment already completed") // [R]
	}
	return &reply{status: http.StatusAccepted, committed: true, body: object{ // [D; status R]
		{"id", d.id},
		{"url", c.s.InstanceURL + c.root() + "/metadata/deployRequest/" + d.id},
		{"deployResult", d.result(c, true)},
	}}
}

// cancel begins to cancel a deployment and reports whether that was still possible.
func (d *deployment) cancel(c *call) bool {
	if d.done() {
		return false
	}
	d.status, d.canceler = deployCanceling, c.session.user
	return true
}

// poll gets the deployment on by one step.
func (d *deployment) poll(c *call) {
	if d.done() {
		return
	}
	d.polls++
	switch {
	case d.status == deployCanceling:
		d.status, d.finished = deployCanceled, c.now
	case d.polls >= c.s.world.settings.DeployPolls:
		d.finish(c)
	default:
		d.status = deployRunning
	}
}

// deployDuration is when a deployment ends that nobody asks for.
const deployDuration = 10 * time.Second

// finishWhenDue ends the deployment once its time is over.
func (d *deployment) finishWhenDue(c *call) {
	if d.done() || c.now.Sub(d.started) < deployDuration {
		return
	}
	if d.status == deployCanceling {
		d.status, d.finished = deployCanceled, c.now
		return
	}
	d.finish(c)
}

// applied reports whether the deployment changed the org.
func (d *deployment) applied() bool {
	return !d.options.CheckOnly && (d.status == deploySucceeded || d.status == deployPartial)
}

// finish reads the zip, judges every component, and applies them. In production an error rolls
// everything back, elsewhere rollbackOnError decides [D].
func (d *deployment) finish(c *call) {
	w := c.s.world
	d.status, d.finished = deployFailed, c.now
	archive, err := metadata.OpenArchive(d.zip, d.options.SinglePackage)
	d.zip = nil
	if err != nil {
		d.message = err.Error()
		return
	}
	wanted := metadata.ReadDeployment(archive, d.options.AllowMissingFiles)
	d.total = wanted.Total()
	for _, problem := range wanted.Problems {
		d.fail(problem)
	}
	if wanted.Version > maxVersion {
		d.fail(metadata.Problem{
			// [R]
			File: "package.xml", FullName: "package.xml", Text: fmt.Sprintf("Invalid version specified:%d.0", wanted.Version),
		})
	}
	steps := w.plan(wanted, c.now, d.by)
	broken := false
	for _, step := range steps {
		if step.problem != nil {
			d.fail(*step.problem)
		}
	}
	broken = slices.ContainsFunc(d.failures, func(m deployMessage) bool { return !m.Warning || !d.options.IgnoreWarnings })
	rollback := d.options.RollbackOnError || w.organization.kind == Production
	if broken && rollback {
		return
	}
	for _, step := range steps {
		if step.problem != nil {
			continue
		}
		if !d.options.CheckOnly {
			if err := step.apply(); err != nil {
				d.fail(metadata.Problem{
					File: step.message.File, Type: step.message.Type, FullName: step.message.FullName,
					Text: err.Error(),
				})
				broken = true
				continue
			}
		}
		step.message.at = c.now
		if step.id != nil {
			step.message.id = step.id()
		}
		d.successes = append(d.successes, step.message)
	}
	switch {
	case !broken:
		d.status = deploySucceeded
	case len(d.successes) > 0:
		d.status = deployPartial
	}
}

func (d *deployment) fail(problem metadata.Problem) {
	d.failures = append(d.failures, deployMessage{Problem: problem, at: d.finished})
}

// errorCount counts the failures; warnings only if they are not ignored [D].
func (d *deployment) errorCount() int {
	count := 0
	for _, failure := range d.failures {
		if !failure.Warning || !d.options.IgnoreWarnings {
			count++
		}
	}
	return count
}

// unreadablePackage is the errorStatusCode of a deployment whose zip can't be read; code and texts
// are invented.
const unreadablePackage = "UNKNOWN_EXCEPTION"

// result renders DeployResult [C jsforce metadata WSDL; D].
func (d *deployment) result(c *call, details bool) object {
	out := object{
		{"checkOnly", d.options.CheckOnly},
		{"ignoreWarnings", d.options.IgnoreWarnings},
		{"rollbackOnError", d.options.RollbackOnError},
		{"status", d.status},
		{"numberComponentsDeployed", len(d.successes)},
		{"numberComponentsTotal", d.total},
		{"numberComponentErrors", d.errorCount()},
		{"numberTestsCompleted", 0},
		{"numberTestsTotal", 0},
		{"numberTestErrors", 0},
	}
	if details {
		failures, successes := []object{}, []object{}
		for _, failure := range d.failures {
			failures = append(failures, failure.render(d.options.IgnoreWarnings))
		}
		for _, success := range d.successes {
			successes = append(successes, success.render(false))
		}
		if d.status == deploySucceeded || d.status == deployPartial {
			manifest := deployMessage{
				Problem: metadata.Problem{File: "package.xml", FullName: "package.xml"}, changed: true,
				at: d.finished,
			}
			successes = append(successes, manifest.render(false))
		}
		out = append(out, member{"details", object{
			{"componentFailures", failures},
			{"componentSuccesses", successes},
			{"retrieveResult", nil},
			{"runTestResult", object{{"numFailures", 0}, {"numTestsRun", 0}, {"totalTime", 0.0}}},
		}})
	}
	out = append(out, member{"createdDate", xsdDateTime(d.started)}, member{"startDate", xsdDateTime(d.started)},
		member{"lastModifiedDate", xsdDateTime(c.now)})
	if d.done() {
		out = append(out, member{"completedDate", xsdDateTime(d.finished)})
	}
	if d.message != "" {
		out = append(out, member{"errorStatusCode", unreadablePackage}, member{"errorMessage", d.message})
	}
	if d.status == deployRunning {
		out = append(out, member{"stateDetail", "Processing Type: Certificate"}) // the form is [D]
	}
	out = append(out, member{"createdBy", d.by.id}, member{"createdByName", d.by.firstName + " " + d.by.lastName})
	if d.canceler != nil {
		out = append(out, member{"canceledBy", d.canceler.id},
			member{"canceledByName", d.canceler.firstName + " " + d.canceler.lastName})
	}
	return append(out, member{"done", d.done()}, member{"id", d.id},
		member{"success", d.status == deploySucceeded}, member{"runTestsEnabled", false})
}

// render is DeployMessage. With ignoreWarnings a warning counts as a success [D].
func (m deployMessage) render(ignoreWarnings bool) object {
	out := object{
		{"changed", m.changed},
		{"componentType", m.Type},
		{"created", m.created},
		{"createdDate", xsdDateTime(m.at)},
		{"deleted", m.deleted},
		{"fileName", m.File},
		{"fullName", m.FullName},
	}
	if m.id != "" {
		out = append(out, member{"id", m.id})
	}
	if m.Text == "" {
		return append(out, member{"success", true}, member{"warning", false})
	}
	kind := "Error"
	if m.Warning {
		kind = "Warning"
	}
	if m.Line > 0 {
		out = append(out, member{"lineNumber", m.Line}, member{"columnNumber", m.Column})
	}
	return append(out, member{"problem", m.Text}, member{"problemType", kind},
		member{"success", m.Warning && ignoreWarnings}, member{"warning", m.Warning})
}
