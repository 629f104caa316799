package conformance_test

import (
	"net/http"
	"time"
)

func (p *probe) patch(id string, body map[string]any) reply {
	p.Helper()
	return p.call(http.MethodPatch, "/sobjects/TenantSecret/"+id, body)
}

// destroyed is a Data key of this suite that is DESTROYED, with its export.
func (p *probe) destroyed() *upload {
	p.Helper()
	ours := p.oursArchived()
	if p.row(ours.id, "Status")["Status"] != "DESTROYED" {
		p.patch(ours.id, map[string]any{"Status": "DESTROYED"}).want(http.StatusNoContent)
	}
	// Whatever else happens, the key comes back.
	p.Cleanup(func() {
		if r := p.patch(ours.id, map[string]any{
			"Status":      "ARCHIVED",
			"SecretValue": ours.exported,
		}); r.status != http.StatusNoContent &&
			p.row(ours.id, "Status")["Status"] != "ARCHIVED" {
			p.Errorf("%s could not be restored: status %d%s", ours.id, r.status, r.reason())
		}
	})
	return ours
}

// lifecycleFacts come last: they change keys of this suite.
func lifecycleFacts() []fact {
	return []fact{
		{
			"DescriptionIsPatched", "6.1", "D, V", "RESTdoc; FtxDoc", "PATCH of a Description is 204 with an empty body.", looks,
			"", func(p *probe) {
				id := p.ours().id
				r := p.patch(id, map[string]any{"Description": mark + ", patched"}).want(http.StatusNoContent)
				p.equal("the length of the body", len(r.body), 0)
				p.equal("Description", p.row(id, "Description")["Description"], mark+", patched")
			},
		},
		{
			"TypeAndHashCannotBeUpdated", "4.2", "D", "ObjRef",
			"Type, KeyDerivationMode and SecretValueHash in a PATCH are 400 `INVALID_FIELD_FOR_INSERT_UPDATE`, with `fields`.",
			looks, "",
			func(p *probe) {
				ours := p.ours()
				for name, value := range map[string]string{
					"Type": "Analytics", "KeyDerivationMode": "NONE",
					"SecretValueHash": ours.hash,
				} {
					p.patch(ours.id, map[string]any{name: value}).
						refused(http.StatusBadRequest, "INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create/update fields: "+name, name)
				}
			},
		},
		{
			"UnmodifiedSinceGuardsAPatch", "3.1", "D", "RESTdoc",
			"A PATCH with `If-Unmodified-Since` before the last change is 412, with an invalid date 400.", looks, "",
			func(p *probe) {
				id := p.ours().id
				for date, want := range map[string]int{
					"Mon, 01 Jan 2001 00:00:00 GMT": http.StatusPreconditionFailed, "yesterday": http.StatusBadRequest,
				} {
					header := http.Header{
						"Authorization": {"Bearer " + p.session()}, "Content-Type": {"application/json"}, "If-Unmodified-Since": {date},
					}
					p.send(http.MethodPatch, "/sobjects/TenantSecret/"+id, header, []byte(`{"Description":"`+mark+`"}`)).want(want)
				}
			},
		},
		{
			"UnmodifiedRowsAreNotSentAgain", "3.1", "D", "RESTdoc",
			"A GET with `If-Modified-Since` after the last change is 304.", looks, "",
			func(p *probe) {
				id := p.ours().id
				later := p.date(p.text(p.row(id, "LastModifiedDate"),
					"LastModifiedDate")).Add(time.Minute).UTC().Format(http.TimeFormat)
				header := http.Header{"Authorization": {"Bearer " + p.session()}, "If-Modified-Since": {later}}
				p.send(http.MethodGet, "/sobjects/TenantSecret/"+id+"?fields=Id", header, nil).want(http.StatusNotModified)
			},
		},
		{
			"BodyMustBeJSONOrXML", "3.2", "D", "RESTdoc", "A body of another type is 415 `UNSUPPORTED_MEDIA_TYPE`.", looks, "",
			func(p *probe) {
				header := http.Header{"Authorization": {"Bearer " + p.session()}, "Content-Type": {"image/png"}}
				p.send(http.MethodPatch, "/sobjects/TenantSecret/"+p.ours().id, header, []byte("x")).
					refused(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "")
			},
		},
		{
			"DeleteIsNotAllowed", "3.2", "D, C", "RESTdoc", "DELETE on a tenant secret is 405 `METHOD_NOT_ALLOWED`.",
			looks | destroys, "",
			func(p *probe) {
				p.call(http.MethodDelete, "/sobjects/TenantSecret/"+p.ours().id, nil).
					refused(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "HTTP Method 'DELETE' not allowed")
			},
		},
		{
			"ActiveKeysCannotBeDestroyed", "6.1", "V", "ThalesDoc", "Destroying an ACTIVE key is refused with 400.",
			looks | destroys, "", func(p *probe) {
				id := p.ours().id
				p.patch(id, map[string]any{"Status": "DESTROYED"}).refused(http.StatusBadRequest, "", "")
				p.equal("Status", p.row(id, "Status")["Status"], "ACTIVE")
			},
		},
		{
			"ActiveKeysAreNotArchivedByPatch", "6.1", "D", "ShieldREST: the table of transitions lists none",
			"PATCH of ACTIVE to ARCHIVED is refused.",
			looks | prepared, "", func(p *probe) {
				id := p.ours().id
				p.patch(id, map[string]any{"Status": "Archived"}).refused(http.StatusBadRequest, "", "")
				p.equal("Status", p.row(id, "Status")["Status"], "ACTIVE")
			},
		},
		{
			"ArchivedKeysAreDestroyed", "6.1", "D", "ShieldREST", "PATCH `{\"Status\":\"DESTROYED\"}` on an ARCHIVED key is " +
				"204 with an empty body.", destroys, "",
			func(p *probe) {
				ours := p.destroyed()
				p.equal("Status", p.row(ours.id, "Status")["Status"], "DESTROYED")
			},
		},
		{
			"DestroyedKeysKeepTheirHash", "6.1", "D, I", "Help security_pe_destroy_key", "A DESTROYED row has no SecretValue, " +
				"and its SecretValueHash unchanged.",
			destroys, "", func(p *probe) {
				ours := p.destroyed()
				p.matches(p.row(ours.id, "SecretValue,SecretValueHash"),
					map[string]any{"SecretValue": nil, "SecretValueHash": ours.hash})
			},
		},
		{
			"StatusMayBeWrittenInMixedCase", "4.2", "D, C", "ShieldREST, ObjRef; FtxPlugin",
			"`Destroyed` and `Archived` work in a PATCH.", destroys, "",
			func(p *probe) {
				ours := p.oursArchived()
				p.patch(ours.id, map[string]any{"Status": "Destroyed"}).want(http.StatusNoContent)
				p.patch(ours.id, map[string]any{"Status": "Archived", "SecretValue": ours.exported}).want(http.StatusNoContent)
				p.equal("Status", p.row(ours.id, "Status")["Status"], "ARCHIVED")
			},
		},
		{
			"ExportsRestore", "6.1", "D, C, V", "ShieldREST; FtxPlugin; ThalesDoc",
			"PATCH with Status ARCHIVED and the exported SecretValue restores a DESTROYED key as ARCHIVED, with its hash.",
			destroys, "", func(p *probe) {
				ours := p.destroyed()
				p.patch(ours.id, map[string]any{"Status": "ARCHIVED", "SecretValue": ours.exported}).want(http.StatusNoContent)
				p.matches(p.row(ours.id, "Status,SecretValueHash"), map[string]any{
					"Status":          "ARCHIVED",
					"SecretValueHash": ours.hash,
				})
			},
		},
		{
			"NothingElseRestores", "6.1", "C, D", "FtxPlugin; Help security_pe_destroy_key",
			"Neither the wrapped secret as it was uploaded, nor another key's export, nor nothing restores a key.", destroys, "",
			func(p *probe) {
				ours := p.destroyed()
				other := ""
				for _, row := range p.secrets(" WHERE Type = 'Data' AND Status = 'ACTIVE'") {
					other = p.text(p.row(p.text(row, "Id"), "SecretValue"), "SecretValue")
				}
				for _, value := range []string{ours.wrapped, other} {
					if value != "" {
						p.patch(ours.id, map[string]any{"Status": "ARCHIVED", "SecretValue": value}).refused(http.StatusBadRequest, "",
							"")
					}
				}
				p.patch(ours.id, map[string]any{"Status": "ARCHIVED"}).refused(http.StatusBadRequest, "", "")
				p.equal("Status", p.row(ours.id, "Status")["Status"], "DESTROYED")
			},
		},
		{
			"DestroyedKeysDoNotBecomeActive", "6.1", "D", "ShieldREST", "A DESTROYED uploaded key cannot become ACTIVE.",
			destroys, "", func(p *probe) {
				ours := p.destroyed()
				p.patch(ours.id, map[string]any{"Status": "ACTIVE", "SecretValue": ours.exported}).refused(http.StatusBadRequest,
					"", "")
			},
		},
		{
			"OldVersionsDestroyByAnEmptySecret", "6.1", "D", "ShieldREST, ObjRef example 6",
			"Up to API 43.0 an empty SecretValue destroys, and the export alone restores.", destroys, "", func(p *probe) {
				ours := p.oursArchived()
				row := "/services/data/v43.0/sobjects/TenantSecret/" + ours.id
				p.call(http.MethodPatch, row, map[string]any{"SecretValue": ""}).want(http.StatusNoContent)
				p.equal("Status", p.row(ours.id, "Status")["Status"], "DESTROYED")
				p.call(http.MethodPatch, row, map[string]any{"SecretValue": ours.exported}).want(http.StatusNoContent)
				p.equal("Status", p.row(ours.id, "Status")["Status"], "ARCHIVED")
			},
		},
	}
}
