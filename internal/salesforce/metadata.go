package salesforce

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/redact"
)

// Statuses of a deploy that is over and, although it may be called a success, did not apply all
// [C jsforce metadata WSDL].
const (
	deploySucceededPartial = "SucceededPartial"
	deployCanceled         = "Canceled"
)

const (
	// deployPollErrors is how many polls in a row may fail: a poll is a safe read.
	deployPollErrors = 5
	// A deploy is looked at in these intervals.
	deployShortest, deployLongest = time.Second, 15 * time.Second
	// DeployTimeout is how long a deploy is waited for, unless [WithDeployTimeout]
	// says otherwise.
	DeployTimeout = 15 * time.Minute
	// cancelTimeout bounds how long a deploy is watched after it was asked to end,
	// and interruptTimeout the same if the caller's context has ended.
	cancelTimeout    = 5 * time.Minute
	interruptTimeout = 20 * time.Second
	// An effect is looked for at these intervals, for so long.
	effectShortest = 2 * time.Second
	effectLongest  = 10 * time.Second
	effectPatience = 2 * time.Minute
)

// metadataPackage is a Metadata API package in memory.
type metadataPackage struct {
	// members are listed in package.xml, removed in destructiveChanges.xml.
	members, removed []metadataMember
	// files are named from the root of the zip.
	files map[string][]byte
}

type metadataMember struct{ kind, name string }

// zip builds the archive that a deploy wants, with its manifest at the root.
// The same package gives the same bytes.
func (p metadataPackage) zip(apiVersion string) ([]byte, error) {
	files := map[string][]byte{"package.xml": manifest(p.members, apiVersion)}
	if len(p.removed) > 0 {
		files["destructiveChanges.xml"] = manifest(p.removed, "")
	}
	maps.Copy(files, p.files)
	names := slices.Sorted(maps.Keys(files))
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		f, err := w.Create(name)
		if err != nil {
			return nil, fmt.Errorf("the metadata package could not be built: %w", err)
		}
		if _, err := f.Write(files[name]); err != nil {
			return nil, fmt.Errorf("the metadata package could not be built: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("the metadata package could not be built: %w", err)
	}
	return b.Bytes(), nil
}

func manifest(members []metadataMember, apiVersion string) []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header + `<Package xmlns="` + metadataNamespace + `">` + "\n")
	for _, m := range members {
		b.WriteString("    <types>\n        <members>")
		escapeXML(&b, m.name)
		b.WriteString("</members>\n        <name>")
		escapeXML(&b, m.kind)
		b.WriteString("</name>\n    </types>\n")
	}
	if apiVersion != "" {
		b.WriteString("    <version>" + apiVersion + "</version>\n")
	}
	b.WriteString("</Package>\n")
	return b.Bytes()
}

// DeployResult is the state of a Metadata API deploy.
type DeployResult struct {
	// ID begins with 0Af.
	ID string
	// Status is Pending, InProgress, Succeeded, SucceededPartial, Failed,
	// Canceling, Canceled, or what later releases add.
	Status string
	// Done says that Status is final; Success that all of it was applied.
	Done, Success bool
	// ErrorStatusCode and ErrorMessage are set if the deploy as a whole failed.
	ErrorStatusCode, ErrorMessage string
	// ComponentsDeployed and ComponentsTotal count.
	ComponentsDeployed, ComponentsTotal int
	// Failures are the components that failed, each with its problem.
	Failures []ComponentFailure
	// TestFailures are the Apex tests that failed, each with its message, and
	// CoverageWarnings what the org says of the coverage: a production org may run
	// tests for any deploy.
	TestFailures, CoverageWarnings []string
}

// ComponentFailure is the problem of one component of a deploy.
type ComponentFailure struct {
	FullName, ComponentType, FileName, Problem, ProblemType string
	Line, Column                                            int
}

// String is the component and its problem.
func (f ComponentFailure) String() string {
	s := f.Problem
	name := strings.TrimSpace(f.ComponentType + " " + f.FullName)
	if name != "" {
		s = name + ": " + s
	}
	if f.Line > 0 {
		s += fmt.Sprintf(" (%s, line %d, column %d)", f.FileName, f.Line, f.Column)
	}
	return s
}

// DeployError is a deploy that ended without success.
type DeployError struct{ Result DeployResult }

// Error shows the problems as Salesforce reported them.
func (e *DeployError) Error() string {
	var s strings.Builder
	fmt.Fprintf(&s, "deploy %s ended as %s", e.Result.ID, e.Result.Status)
	if m := (Message{ErrorCode: e.Result.ErrorStatusCode, Message: e.Result.ErrorMessage}).String(); m != "" {
		s.WriteString(": " + m)
	}
	for _, f := range e.Result.Failures {
		s.WriteString("; " + f.String())
	}
	for _, f := range e.Result.TestFailures {
		s.WriteString("; test " + f)
	}
	for _, w := range e.Result.CoverageWarnings {
		s.WriteString("; code coverage: " + w)
	}
	return s.String()
}

// deployTimeoutKey is the key of [WithDeployTimeout].
type deployTimeoutKey struct{}

// WithDeployTimeout sets how long the deploys of ctx are waited for before they
// are cancelled.
func WithDeployTimeout(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, deployTimeoutKey{}, d)
}

func deployTimeoutOf(ctx context.Context) time.Duration {
	if d, ok := ctx.Value(deployTimeoutKey{}).(time.Duration); ok && d > 0 {
		return d
	}
	return DeployTimeout
}

// deployment is a package, and how it is dealt with.
type deployment struct {
	pack metadataPackage
	// repeat says whether the package may be sent again when the reply is lost.
	repeat repeatability
	// subject names in words what took looks for.
	subject string
	// took looks whether the org is as the package asks.
	took func(context.Context) (bool, error)
}

// deploy sends a package and waits for the end of its deploy. One that is not
// over after its time, or when ctx ends, is cancelled and watched until it is
// over, so that its outcome is certain: it may still succeed. Where the outcome
// is not known, or a cancelled deploy may have been committed all the same, as
// it may below API 65 [D meta_rest_deploy_cancel], the org is looked at.
func (c *Client) deploy(ctx context.Context, d deployment) error {
	sentAt := c.now()
	id, err := c.startDeploy(ctx, d.pack, d.repeat)
	var result DeployResult
	if err == nil {
		if result, err = c.finishDeploy(ctx, id); err != nil {
			err = &OutcomeUnknownError{
				Method: http.MethodPost, Path: c.dataPath("/metadata/deployRequest"), SentAt: sentAt,
				Err: err,
			}
		} else if !result.Success || result.Status == deploySucceededPartial {
			err = &DeployError{Result: result}
		}
	}
	if ctx.Err() != nil {
		return err
	}
	switch {
	case errors.Is(err, ErrOutcomeUnknown):
		if c.awaitEffect(ctx, d) == nil {
			return nil
		}
	case result.Status == deployCanceled:
		if took, lookErr := d.took(ctx); lookErr == nil && took {
			return nil
		}
	}
	return err
}

// finishDeploy waits for the end of a deploy, and ends it if it takes too
// long.
func (c *Client) finishDeploy(ctx context.Context, id string) (DeployResult, error) {
	result, err := c.awaitDeploy(ctx, id, deployTimeoutOf(ctx))
	_, late := errors.AsType[*waitTimeoutError](err)
	if err == nil || !late && ctx.Err() == nil {
		return result, err
	}
	wait := cancelTimeout
	if ctx.Err() != nil {
		wait = interruptTimeout
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), wait+c.timeout)
	defer cancel()
	cancelErr := c.cancelDeploy(ctx, id)
	if result, waitErr := c.awaitDeploy(ctx, id, wait); waitErr == nil {
		if result.Status == deployCanceled && result.ErrorMessage == "" {
			result.ErrorMessage = err.Error() + ", so it was cancelled"
		}
		return result, nil
	}
	if cancelErr != nil {
		return DeployResult{}, fmt.Errorf("%w; it could not be cancelled: %w", err, cancelErr)
	}
	return DeployResult{}, fmt.Errorf("%w; its cancellation was requested, and it was not over %s later", err, wait)
}

// awaitEffect waits, for a while, for the org to be as a package asks.
func (c *Client) awaitEffect(ctx context.Context, d deployment) error {
	_, err := wait[struct{}]{
		subject: d.subject,
		look: func(ctx context.Context) (_ struct{}, state string, over bool, err error) {
			over, err = d.took(ctx)
			return struct{}{}, "not so", over, err
		},
		mayPass: mayPass, errors: deployPollErrors,
		shortest: effectShortest, longest: effectLongest, timeout: effectPatience,
	}.until(ctx, c)
	return err
}

func (c *Client) startDeploy(ctx context.Context, p metadataPackage, repeat repeatability) (string, error) {
	archive, err := p.zip(c.apiVersion)
	if err != nil {
		return "", err
	}
	body, contentType, err := deployBody(archive)
	if err != nil {
		return "", err
	}
	var id string
	_, err = c.do(ctx, call{
		method:      http.MethodPost,
		path:        c.dataPath("/metadata/deployRequest"),
		body:        body,
		contentType: contentType,
		repeat:      repeat,
		decode: func(r *reply) error {
			var started struct {
				ID string `json:"id"`
			}
			if err := json.Unmarshal(r.body, &started); err != nil {
				return decodeError(err)
			}
			if id, err = recordID(started.ID); err != nil {
				return fmt.Errorf("the id of the deploy: %w", err)
			}
			return nil
		},
	})
	if err != nil {
		return "", fmt.Errorf("start a deploy: %w", err)
	}
	return id, nil
}

// deployBody is the multipart form that the deployRequest resource takes. The
// JSON part has the name that public clients send [C jsforce]; the
// documentation calls it json, and both are accepted [R].
func deployBody(archive []byte) (body []byte, contentType string, err error) {
	options, err := json.Marshal(map[string]map[string]any{"deployOptions": {
		"allowMissingFiles": false,
		"autoUpdatePackage": false,
		"checkOnly":         false,
		"ignoreWarnings":    false,
		"performRetrieve":   false,
		"purgeOnDelete":     false,
		"rollbackOnError":   true,
		"singlePackage":     true,
	}})
	if err != nil {
		return nil, "", errors.New("the deploy options could not be encoded")
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, part := range []struct {
		disposition, contentType string
		content                  []byte
	}{
		{`form-data; name="entity_content"`, "application/json", options},
		{`form-data; name="file"; filename="deploy.zip"`, "application/zip", archive},
	} {
		header := textproto.MIMEHeader{"Content-Disposition": {part.disposition}, "Content-Type": {part.contentType}}
		pw, err := w.CreatePart(header)
		if err != nil {
			return nil, "", errors.New("the deploy form could not be built")
		}
		if _, err := pw.Write(part.content); err != nil {
			return nil, "", errors.New("the deploy form could not be built")
		}
	}
	if err := w.Close(); err != nil {
		return nil, "", errors.New("the deploy form could not be built")
	}
	return b.Bytes(), w.FormDataContentType(), nil
}

// oneOrMany reads one thing or a list of them: if JSON is made from XML, a
// list of one may come as an object.
type oneOrMany[T any] []T

func (l *oneOrMany[T]) UnmarshalJSON(b []byte) error {
	if trimmed := bytes.TrimSpace(b); len(trimmed) > 0 && trimmed[0] == '{' {
		var one T
		if err := json.Unmarshal(b, &one); err != nil {
			return err
		}
		*l = oneOrMany[T]{one}
		return nil
	}
	return json.Unmarshal(b, (*[]T)(l))
}

// bounded is as much of the list as is kept.
func (l oneOrMany[T]) bounded() []T { return l[:min(len(l), maxMessages)] }

// testRun is what a deploy reports of the Apex tests that the org ran for it.
type testRun struct {
	Failures oneOrMany[struct {
		Name       string `json:"name"`
		MethodName string `json:"methodName"`
		Message    string `json:"message"`
	}] `json:"failures"`
	CoverageWarnings oneOrMany[struct {
		Name    string `json:"name"`
		Message string `json:"message"`
	}] `json:"codeCoverageWarnings"`
}

type failureRow struct {
	FullName      string  `json:"fullName"`
	ComponentType string  `json:"componentType"`
	FileName      string  `json:"fileName"`
	Problem       string  `json:"problem"`
	ProblemType   string  `json:"problemType"`
	LineNumber    wireInt `json:"lineNumber"`
	ColumnNumber  wireInt `json:"columnNumber"`
}

func decodeDeployResult(body []byte, id string, r *redact.Redactor) (DeployResult, error) {
	var envelope struct {
		ID     string `json:"id"`
		Result *struct {
			Status             string   `json:"status"`
			Done               wireBool `json:"done"`
			Success            wireBool `json:"success"`
			ErrorStatusCode    string   `json:"errorStatusCode"`
			ErrorMessage       string   `json:"errorMessage"`
			ComponentsDeployed wireInt  `json:"numberComponentsDeployed"`
			ComponentsTotal    wireInt  `json:"numberComponentsTotal"`
			Details            struct {
				Failures oneOrMany[failureRow] `json:"componentFailures"`
				// The Metadata guide prints both names.
				Tests  testRun `json:"runTestResult"`
				Tests2 testRun `json:"runTestResults"`
			} `json:"details"`
		} `json:"deployResult"`
	}
	if err := json.Unmarshal(body, &envelope); err != nil {
		return DeployResult{}, decodeError(err)
	}
	if envelope.Result == nil || envelope.Result.Status == "" {
		return DeployResult{}, errors.New("it has no deployResult")
	}
	w := envelope.Result
	result := DeployResult{
		ID:                 id,
		Status:             r.Text(w.Status, maxMessage),
		Done:               bool(w.Done),
		Success:            bool(w.Success),
		ErrorStatusCode:    r.Text(w.ErrorStatusCode, maxMessage),
		ErrorMessage:       r.Text(w.ErrorMessage, maxMessage),
		ComponentsDeployed: int(w.ComponentsDeployed),
		ComponentsTotal:    int(w.ComponentsTotal),
	}
	for _, run := range []testRun{w.Details.Tests, w.Details.Tests2} {
		for _, f := range run.Failures.bounded() {
			result.TestFailures = append(result.TestFailures, r.Text(f.Name+"."+f.MethodName+": "+f.Message, maxMessage))
		}
		for _, w := range run.CoverageWarnings.bounded() {
			result.CoverageWarnings = append(result.CoverageWarnings,
				r.Text(strings.TrimSpace(w.Name+" "+w.Message), maxMessage))
		}
	}
	for _, f := range w.Details.Failures.bounded() {
		result.Failures = append(result.Failures, ComponentFailure{
			FullName:      r.Text(f.FullName, maxMessage),
			ComponentType: r.Text(f.ComponentType, maxMessage),
			FileName:      r.Text(f.FileName, maxMessage),
			Problem:       r.Text(f.Problem, maxMessage),
			ProblemType:   r.Text(f.ProblemType, maxMessage),
			Line:          int(f.LineNumber),
			Column:        int(f.ColumnNumber),
		})
	}
	return result, nil
}

// deployStatus reads the state of a deploy.
func (c *Client) deployStatus(ctx context.Context, id string) (DeployResult, error) {
	var result DeployResult
	_, err := c.do(ctx, call{
		method: http.MethodGet,
		path:   c.dataPath("/metadata/deployRequest/" + id),
		query:  "includeDetails=true",
		decode: func(r *reply) (err error) {
			result, err = decodeDeployResult(r.body, id, r.text)
			return err
		},
	})
	if err != nil {
		return DeployResult{}, fmt.Errorf("read deploy %s: %w", id, err)
	}
	return result, nil
}

func (c *Client) awaitDeploy(ctx context.Context, id string, timeout time.Duration) (DeployResult, error) {
	return wait[DeployResult]{
		subject: "deploy " + id,
		look: func(ctx context.Context) (DeployResult, string, bool, error) {
			result, err := c.deployStatus(ctx, id)
			if err != nil {
				return result, "", false, err
			}
			c.emit(ctx, Event{Kind: EventProgress, Message: fmt.Sprintf("deploy %s is %s, %d of %d components", id,
				result.Status, result.ComponentsDeployed, result.ComponentsTotal)})
			// Later releases may add statuses: only the flag ends the wait.
			return result, result.Status, result.Done, nil
		},
		mayPass: mayPass, errors: deployPollErrors,
		shortest: deployShortest, longest: deployLongest, timeout: timeout,
	}.until(ctx, c)
}

// mayPass recognises the errors of a look that are tolerated a few times: all but those
// that end the work of the whole client.
func mayPass(err error) bool {
	return !errors.Is(err, ErrRequestLimit) && !errors.Is(err, ErrWrongOrganization)
}

// cancelDeploy asks Salesforce to cancel, which it does in its own time; it may
// be too late [D meta_rest_deploy_cancel]. The reply's state is not the last one.
func (c *Client) cancelDeploy(ctx context.Context, id string) error {
	body, err := json.Marshal(map[string]any{"deployResult": map[string]any{"status": "Canceling"}})
	if err != nil {
		return errors.New("the cancellation could not be encoded")
	}
	_, err = c.do(ctx, call{
		method: http.MethodPatch, path: c.dataPath("/metadata/deployRequest/" + id), body: body, repeat: idempotent,
		decode: func(r *reply) error {
			_, err := decodeDeployResult(r.body, id, r.text)
			return err
		},
	})
	return err
}
