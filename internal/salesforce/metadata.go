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

// Statuses of a deploy that are over [C jsforce metadata WSDL].
const (
	DeploySucceeded        = "Succeeded"
	DeploySucceededPartial = "SucceededPartial"
	DeployFailed           = "Failed"
	DeployCanceled         = "Canceled"
)

const (
	deployPollErrors = 5
	deployTimeout    = 15 * time.Minute
	// cancelTimeout bounds the attempt to cancel a deploy after the caller's
	// context has ended.
	cancelTimeout = 20 * time.Second
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
	// Done tells that Status is final; Success that all of it was applied.
	Done, Success bool
	// ErrorMessage is set where the deploy as a whole failed.
	ErrorMessage string
	// ComponentsDeployed and ComponentsTotal count.
	ComponentsDeployed, ComponentsTotal int
	// Failures are the components that failed, each with its problem.
	Failures []ComponentFailure
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
	if e.Result.ErrorMessage != "" {
		s.WriteString(": " + e.Result.ErrorMessage)
	}
	for _, f := range e.Result.Failures {
		s.WriteString("; " + f.String())
	}
	return s.String()
}

// deploy sends a package and waits for the end of its deploy. repeat says
// whether the package may be sent again when the reply is lost. When ctx ends
// the deploy is cancelled, as far as Salesforce still can.
func (c *Client) deploy(ctx context.Context, p metadataPackage, repeat repeatability) error {
	sentAt := c.now()
	id, err := c.startDeploy(ctx, p, repeat)
	if err != nil {
		return err
	}
	result, err := c.awaitDeploy(ctx, id)
	if err != nil {
		if ctx.Err() != nil {
			err = c.cancelAfter(ctx, id, err)
		}
		return &OutcomeUnknownError{Method: http.MethodPost, Path: c.dataPath("/metadata/deployRequest"), SentAt: sentAt, Err: err}
	}
	if !result.Success || result.Status == DeploySucceededPartial {
		return &DeployError{Result: result}
	}
	return nil
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

// failureList reads one failure or a list of them: where JSON is made from
// XML, a list of one may come as an object.
type failureList []failureRow

type failureRow struct {
	FullName      string  `json:"fullName"`
	ComponentType string  `json:"componentType"`
	FileName      string  `json:"fileName"`
	Problem       string  `json:"problem"`
	ProblemType   string  `json:"problemType"`
	LineNumber    wireInt `json:"lineNumber"`
	ColumnNumber  wireInt `json:"columnNumber"`
}

func (l *failureList) UnmarshalJSON(b []byte) error {
	if trimmed := bytes.TrimSpace(b); len(trimmed) > 0 && trimmed[0] == '{' {
		var one failureRow
		if err := json.Unmarshal(b, &one); err != nil {
			return err
		}
		*l = failureList{one}
		return nil
	}
	return json.Unmarshal(b, (*[]failureRow)(l))
}

func decodeDeployResult(body []byte, id string, r *redact.Redactor) (DeployResult, error) {
	var envelope struct {
		ID     string `json:"id"`
		Result *struct {
			Status             string   `json:"status"`
			Done               wireBool `json:"done"`
			Success            wireBool `json:"success"`
			ErrorMessage       string   `json:"errorMessage"`
			ComponentsDeployed wireInt  `json:"numberComponentsDeployed"`
			ComponentsTotal    wireInt  `json:"numberComponentsTotal"`
			Details            struct {
				Failures failureList `json:"componentFailures"`
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
		ErrorMessage:       r.Text(w.ErrorMessage, maxMessage),
		ComponentsDeployed: int(w.ComponentsDeployed),
		ComponentsTotal:    int(w.ComponentsTotal),
	}
	for _, f := range w.Details.Failures[:min(len(w.Details.Failures), maxMessages)] {
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
			result, err = decodeDeployResult(r.body, id, c.redactor())
			return err
		},
	})
	if err != nil {
		return DeployResult{}, fmt.Errorf("read deploy %s: %w", id, err)
	}
	return result, nil
}

func (c *Client) awaitDeploy(ctx context.Context, id string) (DeployResult, error) {
	const over = "over"
	return Waiter[DeployResult]{
		Subject: "deploy " + id,
		Target:  []string{over},
		Poll: func(ctx context.Context) (DeployResult, string, error) {
			result, err := c.deployStatus(ctx, id)
			if err != nil {
				return result, "", err
			}
			c.emit(ctx, Event{Kind: EventProgress, Message: fmt.Sprintf("deploy %s is %s, %d of %d components", id, result.Status, result.ComponentsDeployed, result.ComponentsTotal)})
			// Later releases may add statuses: only the flag ends the wait.
			if result.Done {
				return result, over, nil
			}
			return result, result.Status, nil
		},
		Transient:       passes,
		TransientErrors: deployPollErrors,
		Timeout:         deployTimeout,
		now:             c.now,
		sleep:           c.sleep,
		jitter:          c.jitter,
	}.Wait(ctx)
}

// passes tells the errors of a read that may pass by themselves.
func passes(err error) bool {
	var broken *ConnectionError
	var bad *ReplyError
	return errors.Is(err, ErrUnavailable) || errors.Is(err, ErrLocked) || errors.As(err, &broken) || errors.As(err, &bad)
}

// cancelAfter asks to cancel a deploy whose caller has gone, and says in the
// error what became of it.
func (c *Client) cancelAfter(ctx context.Context, id string, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelTimeout)
	defer cancel()
	if err := c.cancelDeploy(ctx, id); err != nil {
		return fmt.Errorf("%w; it could not be cancelled: %w", cause, err)
	}
	return fmt.Errorf("%w; its cancellation was requested", cause)
}

// cancelDeploy asks Salesforce to cancel; it may be too late [D meta rest
// deploy cancel].
func (c *Client) cancelDeploy(ctx context.Context, id string) error {
	body, err := json.Marshal(map[string]any{"deployResult": map[string]any{"status": "Canceling"}})
	if err != nil {
		return errors.New("the cancellation could not be encoded")
	}
	_, err = c.do(ctx, call{
		method: http.MethodPatch, path: c.dataPath("/metadata/deployRequest/" + id), body: body, repeat: idempotent,
		decode: func(r *reply) error {
			_, err := decodeDeployResult(r.body, id, c.redactor())
			return err
		},
	})
	return err
}
