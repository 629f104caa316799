package provider_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// otherArchived is an org with two ARCHIVED Data keys.
const otherArchived = "tenant_secrets: [{source: UPLOADED, status: ARCHIVED, description: 'old'}, {source: UPLOADED, " +
	"status: ARCHIVED, description: 'other'}, {}]"

// A record that is not in state yet: org, type, version and status stand in the plan, and a destroy
// is announced, in a replacement too.
func TestAccTenantSecretVersion_planShowsTheRecord(t *testing.T) {
	t.Parallel()
	forGood := []string{destroyed, noBackup, "destruction_acknowledgement = self"}
	tests := map[string]struct {
		before []string // applied first, nil for nothing
		other  bool     // the other record is named then
		lines  []string
		args   []string
		status string
		says   string
	}{
		"adopted":                        {nil, false, []string{archived}, nil, "ARCHIVED", ""},
		"destroyed for good":             {nil, false, forGood, nil, "DESTROYED", "A key will be destroyed"},
		"replaced by another, adopted":   {[]string{archived}, true, []string{archived}, nil, "ARCHIVED", ""},
		"replaced by another, destroyed": {[]string{archived}, true, forGood, nil, "DESTROYED", "A key will be destroyed"},
		"the same, created first": {
			[]string{archived},
			true, append(slices.Clone(forGood), createBefore), nil,
			"DESTROYED", "A key will be destroyed",
		},
		"-replace, destroyed": {
			[]string{archived},
			false, forGood,
			[]string{"-replace=" + versionAddress},
			"DESTROYED", "A key will be destroyed",
		},
		"-replace, destroyed, made first": {
			[]string{archived},
			false, append(slices.Clone(forGood), createBefore),
			[]string{"-replace=" + versionAddress},
			"DESTROYED", "A key will be destroyed",
		},
		"-replace of what stays as it is": {
			[]string{archived},
			false,
			[]string{archived},
			[]string{"-replace=" + versionAddress},
			"ARCHIVED", "",
		},
		"-replace without a refresh before": {
			[]string{archived},
			false,
			[]string{archived},
			[]string{"-replace=" + versionAddress, "-refresh=false"},
			"ARCHIVED", "",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newCustodyRun(t, otherArchived)
			r.t, r.allowed = t, true
			if test.before != nil {
				r.must(test.before...)
			}
			key := r.sim.TenantSecrets()[0]
			if test.other {
				key = r.sim.TenantSecrets()[1]
				r.id = key.ID
			}
			lines := slices.Clone(test.lines)
			for i := range lines {
				lines[i] = strings.ReplaceAll(lines[i], "= self", fmt.Sprintf("= %q", key.ID))
			}
			r.want(lines...)
			plan := r.Plan(test.args...)
			if said := slices.Contains(plan.Summaries("warning"), "A key will be destroyed"); said != (test.says != "") {
				t.Errorf("expected the plan to say %q, found %v", test.says, plan.Summaries("warning"))
			}
			_, change := planned(t, r.CLI, versionAddress, test.args...)
			after := change.After
			for attribute, want := range map[string]any{
				"organization_id": r.sim.OrganizationID, "type": "Data", "version": float64(key.Version), "status": test.status,
			} {
				if after[attribute] != want {
					t.Errorf("expected the plan to show %s = %v, found %v", attribute, want, after[attribute])
				}
			}
			if result := applySaved(r.CLI); result.Code != 0 {
				t.Fatalf("expected the plan to be applied, found %+v", result.Diagnostics)
			}
			r.expectStatus(test.status)
		})
	}
}

// create_before_destroy leaves no deposed object that can't be destroyed: what would be refused is
// refused before anything is made.
func TestAccTenantSecretVersion_createBeforeDestroy(t *testing.T) {
	t.Parallel()
	const summary = "A destroyed key without its export"
	t.Run("a DESTROYED key whose export the state holds", func(t *testing.T) {
		t.Parallel()
		for _, taint := range []bool{false, true} {
			r := newCustodyRun(t, archivedKey)
			r.allowed = true
			r.must(archived, createBefore)
			r.must(destroyed, createBefore)
			export := r.export()
			args := []string{"-replace=" + versionAddress}
			if taint {
				args = nil
				if result := r.Run("taint", versionAddress); result.Code != 0 {
					t.Fatal(result.Output())
				}
			}
			for command, result := range map[string]acctest.Result{
				"plan": r.Plan(args...), "apply": r.Apply(args...),
				"apply without a refresh": r.Apply(append(args, "-refresh=false")...),
			} {
				if result.Code != acctest.PlanFailed || !result.Has("error", summary, r.id, "destruction_acknowledgement",
					"Nothing was changed.") {
					t.Errorf("%s, tainted %t: expected a refusal at plan, found exit code %d, %+v", command, taint, result.Code,
						result.Diagnostics)
				}
			}
			if r.export() != export {
				t.Fatal("the only copy is lost")
			}
			if taint {
				if result := r.Run("untaint", versionAddress); result.Code != 0 {
					t.Fatal(result.Output())
				}
			}
			r.must(archived, createBefore)
			r.expectStatus("ARCHIVED")
		}
	})
	t.Run("a trigger that belongs to a dependent", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, archivedKey)
		r.allowed = true
		const dependent = "\nresource \"terraform_data\" \"dependent\" {\n  input = " +
			"salesforcebyok_tenant_secret_version.old.status\n\n  lifecycle {\n    create_before_destroy = true\n  }\n}\n"
		r.write(r.block(archived) + dependent)
		r.MustApply()
		r.write(r.block(destroyed) + dependent)
		r.MustApply()
		if result := r.Apply("-replace=" + versionAddress); result.Code != acctest.PlanFailed ||
			!result.Has("error", summary, r.id) {
			t.Errorf("expected a refusal at plan, found exit code %d, %+v", result.Code, result.Diagnostics)
		}
		r.MustBeEmpty()
	})
	t.Run("an ARCHIVED key is let go without a word", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, archivedKey)
		r.must(archived, createBefore)
		result := r.MustApply("-replace=" + versionAddress)
		if warnings := result.Summaries("warning"); len(warnings) != 0 || r.export() == "" {
			t.Errorf("expected the record to be taken over, found %q", warnings)
		}
	})
	t.Run("PREVENT, tainted", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, archivedKey)
		r.must(archived, createBefore, prevent)
		if result := r.Run("taint", versionAddress); result.Code != 0 {
			t.Fatal(result.Output())
		}
		r.MustApply() // the record stays managed, under the same policy
		if r.State(versionAddress)["deletion_policy"] != "PREVENT" {
			t.Error("expected the policy to be in state")
		}
	})
}

// A plan of one org is not applied to another, nothing of another org is destroyed or replaced, and
// the way out is named.
func TestAccTenantSecretVersion_anotherOrg(t *testing.T) {
	t.Parallel()
	const summary = "This key belongs to another org"
	sandboxOf := func(t *testing.T) *sfsim.Server {
		t.Helper()

		return acctest.StartSim(t, seedOf(t, archivedKey), sfsim.WithKind(sfsim.Sandbox),
			sfsim.WithOrganizationID("00DWt0000000777"))
	}
	t.Run("state of another org", func(t *testing.T) {
		t.Parallel()
		r := newCustodyRun(t, archivedKey)
		r.must(archived)
		export := r.export()
		r.sim = sandboxOf(t)
		r.want(archived)
		for name, result := range map[string]acctest.Result{
			"destroy":                            r.Destroy(),
			"destroy without a refresh":          r.Destroy("-refresh=false"),
			"-replace without a refresh":         r.Apply("-refresh=false", "-replace="+versionAddress),
			"plan of a destroy, no refresh":      r.Plan("-destroy", "-refresh=false"),
			"plan of -replace without a refresh": r.Plan("-refresh=false", "-replace="+versionAddress),
		} {
			if result.Code == 0 || result.Code == acctest.PlanChanges && !strings.Contains(name, "-replace") ||
				result.Code != acctest.PlanChanges && !result.Has("error", summary) {
				t.Errorf("%s: expected a refusal, found exit code %d, %+v", name, result.Code, result.Diagnostics)
			}
			if strings.Contains(name, "destroy") && strings.Contains(name, "no") &&
				!result.Has("error", summary, "terraform state rm") {
				t.Errorf("%s: expected the way out, found %+v", name, result.Diagnostics)
			}
		}
		r.write("")
		if result := r.Apply("-refresh=false"); result.Code == 0 || !result.Has("error", summary, "terraform state rm") {
			t.Errorf("block removed: expected a refusal that names the way out, found exit code %d, %+v", result.Code,
				result.Diagnostics)
		}
		if r.export() != export {
			t.Fatal("the export is lost")
		}
		if result := r.Run("state", "rm", versionAddress); result.Code != 0 {
			t.Errorf("the way out: %s", result.Output())
		}
	})
	for name, body := range map[string]func(*custodyRun) string{
		"a create":  func(r *custodyRun) string { return r.block(archived) },
		"a destroy": func(*custodyRun) string { return "" },
		"an update": func(r *custodyRun) string { return r.block(archived, noBackup) },
	} {
		t.Run("saved plan of "+name, func(t *testing.T) {
			t.Parallel()
			r := newCustodyRun(t, archivedKey)
			r.t = t
			if name != "a create" {
				r.must(archived)
			}
			const block = "variable \"url\" {\n  type      = string\n  ephemeral = true\n}\n\nvariable \"token\" {\n  type    " +
				"  = string\n  ephemeral = true\n}\n\nprovider \"salesforcebyok\" {\n  instance_url = var.url\n  access_token = " +
				"var.token\n}\n"
			at := func(sim *sfsim.Server) {
				r.Env["TF_VAR_url"], r.Env["TF_VAR_token"] = sim.InstanceURL, sim.AccessToken
			}
			r.Write("main.tf", requiredProvider+block+body(r))
			at(r.sim)
			if plan := r.Plan("-out=saved.tfplan"); plan.Code != acctest.PlanChanges {
				t.Skipf("the CLI has no ephemeral variables: %s", plan.Output())
			}
			sandbox := sandboxOf(t)
			at(sandbox)
			result := r.Run("apply", "-json", "-input=false", "saved.tfplan")
			inconsistent := slices.Contains(result.Summaries("error"), "Provider produced inconsistent final plan")
			if result.Code == 0 || !inconsistent && !result.Has("error", summary) {
				t.Errorf("expected the plan to be refused, found exit code %d, %+v", result.Code, result.Diagnostics)
			}
			if writes := acctest.Writes(sandbox); len(writes) != 0 || acctest.Exports(sandbox) != 0 {
				t.Errorf("expected nothing to be done in the other org, found %v", writes)
			}
		})
	}
}

// Two blocks that name one record, by its 15 and its 18 characters, don't undo each other's work.
func TestAccTenantSecretVersion_twoBlocksOfOneRecord(t *testing.T) {
	t.Parallel()
	const summary = "Two resources manage one key"
	r := newCustodyRun(t, archivedKey)
	r.allowed = true
	r.must(archived)
	short := func(lines ...string) string {
		return strings.Replace(r.named("short", lines...), r.id, r.id[:15], 1)
	}
	r.write(r.block(archived) + short(archived))
	r.MustApply() // both want the same
	for name, body := range map[string]string{
		"the second": r.block(archived) + short(destroyed),
		"the first":  r.block(destroyed) + short(archived),
	} {
		r.write(body)
		for command, result := range map[string]acctest.Result{"plan": r.Plan(), "apply": r.Apply()} {
			if result.Code != acctest.PlanFailed || !result.Has("error", summary, r.id[:15], "Nothing was changed") {
				t.Errorf("%s, %s: expected a refusal, found exit code %d, %+v", name, command, result.Code, result.Diagnostics)
			}
		}
	}
	r.expectPatches(0, 0)
	// What the plan can't see, the write refuses: one of the two has changed the record, and the other
	// leaves it.
	later := knownLate("later", `"DESTROYED"`, "1")
	r.write(later + r.block("desired_status = terraform_data.later.output") +
		short("desired_status = terraform_data.later.output"))
	if result := r.Apply(); result.Code != 0 && !result.Has("error", summary) {
		t.Errorf("expected one change, found exit code %d, %+v", result.Code, result.Diagnostics)
	}
	r.expectPatches(1, 1)
}

// ignore_changes keeps the configuration from the plan. The update sees it, and writes nothing that
// it does not ask for.
func TestAccTenantSecretVersion_ignoreChanges(t *testing.T) {
	t.Parallel()
	const summary = "ignore_changes hides the configuration"
	for name, ignored := range map[string]string{"all": "all", "desired_status": "[desired_status]"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newCustodyRun(t, archivedKey)
			r.t, r.allowed = t, true
			ignore := "lifecycle {\n    ignore_changes = " + ignored + "\n  }"
			r.must(archived, ignore)
			r.patchInSetup(map[string]any{"Status": "DESTROYED"})
			sent, _ := r.patches()
			// The configuration wants DESTROYED; the plan, which does not see that, would restore.
			r.want(destroyed, ignore)
			if result := r.Apply(); result.Code == 0 || !result.Has("error", summary, "desired_status", "Nothing was changed.") {
				t.Errorf("expected the apply to stop, found exit code %d, %+v", result.Code, result.Diagnostics)
			}
			r.expectStatus("DESTROYED")
			if now, _ := r.patches(); now != sent || r.export() == "" {
				t.Errorf("expected nothing to be sent, found %d changes", now-sent)
			}
			// What the configuration wants too is done.
			r.must(archived, ignore)
			r.expectStatus("ARCHIVED")
		})
	}
}

// The permission may come from another resource: then it is not known at plan, which is no reason
// to call it missing.
func TestAccTenantSecretVersion_permissionKnownAfterApply(t *testing.T) {
	t.Parallel()
	for _, allowed := range []bool{true, false} {
		r := newCustodyRun(t, archivedKey)
		r.must(archived)
		later := knownLate("later", strconv.FormatBool(allowed), "1")
		r.Write("main.tf", requiredProvider+acctest.ProviderBlock(r.sim,
			"allow_key_destruction = terraform_data.later.output")+later+r.block(destroyed))
		if plan := r.Plan(); plan.Code != acctest.PlanChanges || !plan.Has("warning", "A key will be destroyed", r.id) {
			t.Fatalf("expected a plan that announces the destroy, found exit code %d, %+v", plan.Code, plan.Diagnostics)
		}
		result := r.Apply()
		if (result.Code == 0) != allowed || !allowed && !result.Has("error", "Destroying keys is not allowed", r.id) {
			t.Errorf("allowed %t: found exit code %d, %+v", allowed, result.Code, result.Diagnostics)
		}
		r.expectStatus(map[bool]string{true: "DESTROYED", false: "ARCHIVED"}[allowed])
	}
}

// What is not known yet is said.
func TestAccTenantSecretVersion_unknownIsSaid(t *testing.T) {
	t.Parallel()
	const summary = "The apply may destroy a key"
	later := func(value string) string {
		return knownLate("later", strconv.Quote(value), value)
	}
	const output = "terraform_data.later.output"
	for name, test := range map[string]struct {
		before, lines []string
		attribute     string
	}{
		"desired_status, in state": {[]string{archived}, []string{"desired_status = " + output}, "desired_status"},
		"desired_status, new":      {nil, []string{"desired_status = " + output}, "desired_status"},
		"backup":                   {[]string{archived}, []string{archived, "backup = " + output}, "backup"},
		"acknowledgement": {[]string{archived}, []string{
			destroyed, noBackup,
			"destruction_acknowledgement = " + output,
		}, "destruction_acknowledgement"},
		"nothing that could destroy": {[]string{archived}, []string{archived, "destruction_acknowledgement = " + output}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newCustodyRun(t, archivedKey)
			r.t, r.allowed = t, true
			if test.before != nil {
				r.must(test.before...)
			}
			r.write(later("DESTROYED") + r.block(test.lines...))
			plan := r.Plan()
			if plan.Code != acctest.PlanChanges || (test.attribute != "") != plan.Has("warning", summary, test.attribute) {
				t.Errorf("expected a warning about %q, found exit code %d, %+v", test.attribute, plan.Code, plan.Diagnostics)
			}
		})
	}
}

// lagging is an org behind a proxy that leaves a record out of so many listings and readings.
type lagging struct {
	url, id string
	// revived is a record that the listings show as ACTIVE meanwhile, "" for none.
	revived string
	left    atomic.Int64
}

func newLagging(t *testing.T, sim *sfsim.Server, id string) *lagging {
	t.Helper()
	l := &lagging{id: id}
	l.url = proxied(t, sim, l.leaveOut)

	return l
}

func (l *lagging) leaveOut(resp *http.Response) error {
	listing := strings.Contains(resp.Request.URL.RawQuery, "FROM+TenantSecret") ||
		strings.Contains(resp.Request.URL.RawQuery, "FROM%20TenantSecret")
	one := resp.Request.Method == http.MethodGet && strings.Contains(resp.Request.URL.Path, "/sobjects/TenantSecret/"+l.id)
	if !listing && !one || l.left.Add(-1) < 0 {
		return nil
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if one {
		resp.StatusCode, body = http.StatusNotFound,
			[]byte(`[{"message":"The requested resource does not exist","errorCode":"NOT_FOUND"}]`)
	} else {
		var page struct {
			Done      bool             `json:"done"`
			TotalSize int              `json:"totalSize"`
			Records   []map[string]any `json:"records"`
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return err
		}
		page.Records = slices.DeleteFunc(page.Records, func(r map[string]any) bool { return r["Id"] == l.id })
		page.TotalSize = len(page.Records)
		for _, r := range page.Records {
			if r["Id"] == l.revived {
				r["Status"] = "ACTIVE"
			}
		}
		if body, err = json.Marshal(page); err != nil {
			return err
		}
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp.Header.Set("Content-Length", strconv.Itoa(len(body)))

	return nil
}

// A reading that lags behind is looked at again; if the record does not come, a plan keeps the
// state and warns, and a write fails with nothing sent.
func TestAccTenantSecretVersion_lateReplica(t *testing.T) {
	t.Parallel()
	const missing, gone = "The org does not show the record now", "No such tenant secret"
	for name, test := range map[string]struct {
		lines []string
		late  int64 // readings from the plan on, or from the apply of a saved plan on
		saved bool
		// warns, fails and changed are what is expected.
		warns, fails, changed bool
	}{
		"plan, late by two readings":    {[]string{archived}, 2, false, false, false, false},
		"plan, late by three readings":  {[]string{archived}, 3, false, true, false, false},
		"destroy, late by two readings": {[]string{destroyed}, 2, true, false, false, true},
		"destroy, late for good":        {[]string{destroyed}, 99, true, false, true, false},
		"destroy for good, late by two": {
			[]string{destroyed, noBackup, "destruction_acknowledgement = self"},
			2, true,
			false, false, true,
		},
		"destroy for good, late for good": {
			[]string{destroyed, noBackup, "destruction_acknowledgement = self"},
			99, true,
			false, true, false,
		},
		"drop of an export, late by two":   {[]string{archived, noBackup}, 2, true, false, false, true},
		"drop of an export, late for good": {[]string{archived, noBackup}, 99, true, false, true, false},
		"forgetting, late by two readings": {nil, 2, true, false, false, true},
		"forgetting, late for good":        {nil, 99, true, false, true, false},
		"a policy needs no reading at all": {[]string{archived, prevent}, 99, true, false, false, true},
		"an id in 15 characters, for good": {
			[]string{archived, "destruction_acknowledgement = self"},
			99, true, false,
			false, true,
		},
		"plan of a destroy, late for three": {[]string{destroyed}, 3, false, true, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newCustodyRun(t, archivedKey)
			proxy := newLagging(t, r.sim, r.id)
			write := func(lines []string) {
				body := ""
				if lines != nil {
					body = strings.ReplaceAll(r.block(lines...), "= self", fmt.Sprintf("= %q", r.id))
				}
				r.Write("main.tf", requiredProvider+fmt.Sprintf("provider \"salesforcebyok\" {\n  instance_url = %q\n  "+
					"access_token = %q\n  allow_key_destruction = true\n}\n", proxy.url, r.sim.AccessToken)+body)
			}
			write([]string{archived})
			r.MustApply()
			before := r.export()
			write(test.lines)
			var result acctest.Result
			if test.saved {
				if plan := r.Plan("-out=saved.tfplan"); plan.Code != acctest.PlanChanges {
					t.Fatal(plan.Output())
				}
				proxy.left.Store(test.late)
				result = r.Run("apply", "-json", "-input=false", "saved.tfplan")
			} else {
				proxy.left.Store(test.late)
				result = r.Apply()
			}
			proxy.left.Store(0)
			if test.warns != result.Has("warning", missing, r.id, "the state stays as it is") {
				t.Errorf("warned %t, found %+v", !test.warns, result.Diagnostics)
			}
			failed := result.Has("error", gone, r.id) || slices.ContainsFunc(result.Diagnostics,
				func(d acctest.Diagnostic) bool {
					return d.Severity == "error" && strings.Contains(d.Detail, "nothing was destroyed")
				})
			if test.fails != failed || test.fails == (result.Code == 0) {
				t.Errorf("expected a failure %t, found exit code %d, %+v", test.fails, result.Code, result.Diagnostics)
			}
			sent, _ := r.patches()
			if wrote := test.changed && slices.Contains(test.lines, destroyed); wrote != (sent == 1) {
				t.Errorf("expected a change %t, found %d", wrote, sent)
			}
			if !test.changed && r.export() != before {
				t.Error("the export is lost")
			}
		})
	}
}
