package conformance_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// describedField is a field as describe shows it.
type describedField struct {
	Name           string `json:"name"`
	Type           string `json:"type"`
	Createable     bool   `json:"createable"`
	Updateable     bool   `json:"updateable"`
	Filterable     bool   `json:"filterable"`
	Groupable      bool   `json:"groupable"`
	Sortable       bool   `json:"sortable"`
	Nillable       bool   `json:"nillable"`
	Restricted     bool   `json:"restrictedPicklist"`
	PicklistValues []struct {
		Value string `json:"value"`
	} `json:"picklistValues"`
}

// properties are the letters of ObjRef: Create, Filter, Group, Nillable, Sort, Update.
func (f describedField) properties() string {
	var out strings.Builder
	for i, has := range []bool{f.Createable, f.Filterable, f.Groupable, f.Nillable, f.Sortable, f.Updateable} {
		if has {
			out.WriteByte("CFGNSU"[i])
		}
	}
	return out.String()
}

func (p *probe) describe(path string) map[string]describedField {
	p.Helper()
	var described struct {
		Fields []describedField `json:"fields"`
	}
	if err := json.Unmarshal(p.get(path).want(http.StatusOK).body, &described); err != nil {
		p.Fatal(err)
	}
	out := map[string]describedField{}
	for _, f := range described.Fields {
		out[f.Name] = f
	}
	return out
}

// picklist checks that a field offers at least these values.
func (p *probe) picklist(f describedField, want ...string) {
	p.Helper()
	var values []string
	for _, v := range f.PicklistValues {
		values = append(values, v.Value)
	}
	for _, value := range want {
		if !slices.Contains(values, value) {
			p.Errorf("%s offers %q, want %s among them", f.Name, values, value)
		}
	}
	if !f.Restricted {
		p.Errorf("%s is not restricted", f.Name)
	}
}

// checkCharacters are the last three of an id: each says which of five characters are upper case.
func checkCharacters(id string) string {
	var out strings.Builder
	for group := range 3 {
		bits := 0
		for i, c := range id[group*5 : group*5+5] {
			if c >= 'A' && c <= 'Z' {
				bits |= 1 << i
			}
		}
		out.WriteByte("ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits])
	}
	return out.String()
}

// several are the org's tenant secrets. A simulated org, which begins with one, gets more first.
func (p *probe) several(where string) []map[string]any {
	p.Helper()
	if p.sim != nil {
		for _, typ := range []string{"Data", "Analytics", "Data", "DeterministicData"} {
			if _, err := p.sim.Rotate(typ, "UPLOADED"); err != nil {
				p.Fatal(err)
			}
		}
	}
	return p.secrets(where)
}

func tenantSecretFacts() []fact {
	return []fact{
		{
			"TenantSecretCannotBeDeleted", "4.1", "V", "FtxDoc 6.3",
			"TenantSecret has the key prefix 02G and can be created, read, updated and queried, not deleted, merged or " +
				"searched.", 0, "",
			func(p *probe) {
				about, isObject := p.get("/sobjects/TenantSecret").want(http.StatusOK).object()["objectDescribe"].(map[string]any)
				if !isObject {
					p.Fatal("no objectDescribe")
				}
				p.matches(about, map[string]any{
					"keyPrefix": "02G", "createable": true, "retrieveable": true, "updateable": true, "queryable": true,
					"deletable":   false,
					"undeletable": false, "mergeable": false, "searchable": false, "replicateable": false, "custom": false,
					"label": "Tenant Secret",
				})
			},
		},
		{
			"TenantSecretHasDocumentedFields", "4.2", "D", "ObjRef v66/67",
			"Each field of TenantSecret has the type and the properties (create, filter, group, nillable, sort, update) of " +
				"the Object Reference.",
			0, "", func(p *probe) {
				fields := p.describe("/sobjects/TenantSecret/describe")
				for name, want := range map[string]string{
					"Description": "textarea CNU", "KeyDerivationMode": "picklist CFGS", "RemoteKeyCertificate": "string CFGNSU",
					"RemoteKeyIdentifier": "string CFGNS", "RemoteKeyServiceId": "reference CFGNSU", "SecretValue": "base64 CNU",
					"SecretValueCertificate": "string CFGNSU", "SecretValueHash": "base64 C", "Source": "picklist CFGS",
					"Status": "picklist FGNSU",
					"Type":   "picklist CFGS", "Version": "int FGS",
				} {
					f, present := fields[name]
					if got := f.Type + " " + f.properties(); !present || got != want {
						p.Errorf("%s is %q, want %q", name, got, want)
					}
				}
			},
		},
		{
			"TenantSecretHasNoName", "4.2", "I", "no field of the Object Reference",
			"There is no Name, DeveloperName or IsActive.", 0, "",
			func(p *probe) {
				fields := p.describe("/sobjects/TenantSecret/describe")
				for _, name := range []string{"Name", "DeveloperName", "IsActive"} {
					if _, present := fields[name]; present {
						p.Errorf("there is a field %s", name)
					}
				}
			},
		},
		{
			"TypesAreThoseOfTheReference", "4.3", "D", "ObjRef",
			"Type offers Data, DeterministicData, SearchIndex, Analytics and EventBus.", 0, "", func(p *probe) {
				p.picklist(p.describe("/sobjects/TenantSecret/describe")["Type"], "Data", "DeterministicData", "SearchIndex",
					"Analytics", "EventBus")
			},
		},
		{
			"SourcesAndModesAreThoseOfTheReference", "4.2", "D", "ObjRef",
			"Source offers HSM, UPLOADED and REMOTE; KeyDerivationMode PBKDF2 and NONE; Status ACTIVE, ARCHIVED and DESTROYED.",
			0, "",
			func(p *probe) {
				fields := p.describe("/sobjects/TenantSecret/describe")
				p.picklist(fields["Source"], "HSM", "UPLOADED", "REMOTE")
				p.picklist(fields["KeyDerivationMode"], "PBKDF2", "NONE")
				p.picklist(fields["Status"], "ACTIVE", "ARCHIVED", "DESTROYED")
			},
		},
		{
			"StatusAndSourceReadUpperCase", "4.2", "V, D", "FtxDoc, ThalesDoc, ObjRef v38-v46",
			"Status and Source read in upper case.", 0, "",
			func(p *probe) {
				for _, row := range p.several("") {
					for _, name := range []string{"Status", "Source"} {
						if text := p.text(row, name); text != strings.ToUpper(text) {
							p.Errorf("%s reads %q", name, text)
						}
					}
				}
			},
		},
		{
			"IDsHaveEighteenCharacters", "4.1", "V, D", "FtxDoc, ThalesDoc, ShieldREST",
			"Ids begin with 02G and have 18 characters: 15 that name the record too, and 3 that say which of them are upper " +
				"case.", 0, "", func(p *probe) {
				for _, row := range p.secrets(" LIMIT 1") {
					id := p.text(row, "Id")
					if len(id) != 18 || !strings.HasPrefix(id, "02G") || id[15:] != checkCharacters(id) {
						p.Errorf("id %q", id)
					}
					p.equal("Id", p.row(id[:15], "Id")["Id"], id)
				}
			},
		},
		{
			"RowsGiveTheChosenFields", "10", "D", "RESTdoc", "`?fields=Id,Status` gives these fields and `attributes` alone.", 0,
			"", func(p *probe) {
				for _, row := range p.secrets(" LIMIT 1") {
					got := p.row(p.text(row, "Id"), "Id,Status")
					if got["Id"] == nil || got["Status"] == nil || got["attributes"] == nil || len(got) != 3 {
						p.Errorf("%d members", len(got))
					}
				}
			},
		},
		{
			"OneKeyOfATypeIsActive", "11.1", "V", "ThalesDoc", "No type has two ACTIVE tenant secrets.", 0, "", func(p *probe) {
				active := map[string]int{}
				for _, row := range p.several(" WHERE Status = 'ACTIVE'") {
					active[p.text(row, "Type")]++
				}
				for typ, n := range active {
					p.equal("the number of ACTIVE keys of "+typ, n, 1)
				}
			},
		},
		{
			"VersionsAreUniqueInTheOrg", "4.2", "D", "ObjRef", "Version is unique within the org.", 0, "", func(p *probe) {
				seen := map[any]bool{}
				for _, row := range p.several("") {
					if seen[row["Version"]] {
						p.Errorf("two tenant secrets have the Version %v", row["Version"])
					}
					seen[row["Version"]] = true
				}
			},
		},
		{
			"VersionsAreOrgWideAndGrow", "4.4", "I", "the literal reading of ObjRef",
			"A later tenant secret has a greater Version, across types.", 0, "",
			func(p *probe) {
				last := 0.0
				for _, row := range p.several(" ORDER BY CreatedDate, Version") {
					version, _ := row["Version"].(float64)
					if version <= last {
						p.Errorf("Version %v follows %v", version, last)
					}
					last = version
				}
			},
		},
		{
			"KeysOfSalesforceHaveAnUnknownHash", "4.4", "V", "ThalesDoc",
			"SecretValueHash of a key of Source HSM reads `UNKNOWM=`.", 0, "",
			func(p *probe) {
				rows := p.secrets(" WHERE Source = 'HSM' AND Status != 'DESTROYED'")
				if len(rows) == 0 {
					p.Skip("the org has no HSM key")
				}
				for _, row := range rows {
					p.equal("SecretValueHash", row["SecretValueHash"], "UNKNOWM=")
				}
			},
		},
	}
}
