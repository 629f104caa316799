package sfsim

import (
	"maps"
	"slices"
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

// switched is the state of a switch.
func (w *world) switched(name string) bool {
	if place := w.settings.setting(name); place != nil {
		return *place
	}
	return w.estate().switches[name]
}

// Switch reports whether an encryption setting is on, by its metadata name.
func (s *Server) Switch(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.world.switched(name)
}

// knownSwitch is whether a settings type has a switch of that name.
func knownSwitch(name string) bool {
	return slices.ContainsFunc(metadata.SettingsTypes(), func(t metadata.SettingsType) bool {
		return slices.ContainsFunc(t.Fields, func(f metadata.SettingsField) bool { return f.Name == name })
	})
}

// readSettings returns every switch of a settings type that the org shows. All are off by default
// [D].
func (w *world) readSettings(t metadata.SettingsType) metadata.Settings {
	out := metadata.Settings{Type: t, Values: map[string]bool{}}
	absent := names(w.settings.SettingsAbsent)
	for _, field := range t.Fields {
		if !slices.Contains(absent, field.Name) {
			out.Values[field.Name] = w.switched(field.Name)
		}
	}
	return out
}

// planSettings changes the switches that the document names [D; the texts are invented].
func (w *world) planSettings(step *deployStep, wanted metadata.Settings, now time.Time, by *user) string {
	if !w.permissions.CustomizeApplication || !w.permissions.ManageEncryptionKeys { // [D Help opt_out, cache_callout]
		return "Encryption settings need the permissions Customize Application and Manage Encryption Keys"
	}
	before := w.readSettings(wanted.Type).Values
	after := maps.Clone(before)
	if w.settings.SettingsDeployResets {
		for name := range after {
			after[name] = false
		}
	}
	for name, value := range wanted.Values {
		switch _, shown := before[name]; {
		case shown:
			after[name] = value
		case value && w.settings.SettingsAbsentRefused:
			return "You can't turn on " + name + " in this org"
		}
	}
	// [D Help security_pe_onboard_switch_to_dbe]
	for _, name := range names(w.settings.SettingsKept) {
		if value, shown := before[name]; shown {
			after[name] = value
		}
	}
	if before["canEncryptTransactionalDatabase"] && !after["canEncryptTransactionalDatabase"] {
		return "canEncryptTransactionalDatabase can't be turned off"
	}
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
		if after["canEncryptTransactionalDatabase"] && !before["canEncryptTransactionalDatabase"] &&
			w.active("Database") == nil {
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
