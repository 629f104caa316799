package sfsim

import (
	"maps"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim/metadata"
)

// setting returns where the world keeps a switch that its rules depend on; nil for the others.
func (s *Settings) setting(name string) *bool {
	switch name {
	case "canOptOutOfDerivationWithBYOK":
		return &s.CanOptOutOfDerivationWithBYOK
	case "enableCacheOnlyKeys":
		return &s.EnableCacheOnlyKeys
	case "enableReplayDetection":
		return &s.EnableReplayDetection
	case "canEncryptTransactionalDatabase":
		return &s.CanEncryptTransactionalDatabase
	}
	return nil
}

// readSettings returns every switch of a settings type. All are off by default [D].
func (w *world) readSettings(t metadata.SettingsType) metadata.Settings {
	out := metadata.Settings{Type: t, Values: map[string]bool{}}
	for _, field := range t.Fields {
		if place := w.settings.setting(field.Name); place != nil {
			out.Values[field.Name] = *place
		} else {
			out.Values[field.Name] = w.estate().switches[field.Name]
		}
	}
	return out
}

// planSettings changes the switches that the document names [D, wire 9.4; the texts are invented].
func (w *world) planSettings(step *deployStep, wanted metadata.Settings, now time.Time, by *user) string {
	if !w.permissions.CustomizeApplication || !w.permissions.ManageEncryptionKeys { // [D Help opt_out, cache_callout]
		return "Encryption settings need the permissions Customize Application and Manage Encryption Keys"
	}
	before := w.readSettings(wanted.Type).Values
	after := maps.Clone(before)
	maps.Copy(after, wanted.Values)
	if after["enableReplayDetection"] && !after["enableCacheOnlyKeys"] {
		return "enableReplayDetection needs enableCacheOnlyKeys"
	}
	step.message.changed = !maps.Equal(before, after)
	step.apply = func() error {
		for name, value := range after {
			if place := w.settings.setting(name); place != nil {
				*place = value
			} else {
				w.estate().switches[name] = value
			}
		}
		// Turning Database encryption on makes its first tenant secret [D].
		if after["canEncryptTransactionalDatabase"] && !before["canEncryptTransactionalDatabase"] && w.active("Database") == nil {
			first := &tenantSecret{
				typ: "Database", source: "HSM", keyDerivationMode: "PBKDF2", createdBy: by.id, material: randomBytes(materialSize),
			}
			first.materialHash = hash(first.material)
			w.addSecret(first, now)
		}
		return nil
	}
	return ""
}
