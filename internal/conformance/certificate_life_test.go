package conformance_test

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"time"
)

// certificateLifeFacts are what renewal, replacement and deletion of certificates depend on.
func certificateLifeFacts(fields string) []fact {
	return []fact{
		{
			"KMSCertificatesServeDatabaseOnly", "7.1", "D", "CertTooling",
			"A certificate with `OptionsIsUsingKMS` wraps Database keys only, and they take no other. If not: the provider " +
				"refuses an upload that would work.", prepared,
			`settings: {can_encrypt_transactional_database: true}
certificates: [{developer_name: Sim_BYOK}, {developer_name: KMS, using_kms: true}]
`, func(p *probe) {
				p.certificate = "KMS"
				p.uploadRefused(p.uploadBody(newMaterial(), nil))
				p.certificate = "Sim_BYOK"
				p.uploadRefused(p.uploadBody(newMaterial(), map[string]any{"Type": "Database"}))
			},
		},
		{
			"ExpirationDateIsKept", "7.2", "D", "CertMeta; Help security_keys_policy_and_rotation",
			"A certificate ends when `expirationDate` says, to two days. If it is cut to a shorter life: a warning by the " +
				"apply, and an error by the next plan.", deploys, "",
			func(p *probe) {
				name := fmt.Sprintf("Conformance_%d_End", time.Now().Unix())
				end := time.Now().AddDate(0, 0, 40).UTC()
				expires := "<expirationDate>" + end.Format("2006-01-02") + "T00:00:00.000Z</expirationDate>"
				p.matches(p.deploy("json", p.certificateFiles(name, fmt.Sprintf(fitting, expires))),
					map[string]any{"status": "Succeeded"})
				row := p.certificates(fields, " WHERE DeveloperName = '"+name+"'")[0]
				if leaf := p.leaf(p.text(row, "Id")); leaf.NotAfter.Sub(end).Abs() > 48*time.Hour {
					p.Errorf("asked for %s, found %s", end, leaf.NotAfter)
				}
				p.matches(p.deploy("json", p.removal(name)), map[string]any{"status": "Succeeded"})
			},
		},
		{
			"NewCASignedCertificatesHoldARequest", "7.2", "D", "CertMeta; CertTooling",
			"A new CA-signed certificate is `OptionsIsUnusable`, and its `.crt` file holds a signing request. If that is not " +
				"to be had: `csr_pem` is null, and Setup has it.", deploys, "",
			func(p *probe) {
				name := fmt.Sprintf("Conformance_%d_CA", time.Now().Unix())
				elements := `<caSigned>true</caSigned><encryptedWithPlatformEncryption>true</encryptedWithPlatformEncryption>` +
					`<keySize>4096</keySize><masterLabel>Conformance</masterLabel><privateKeyExportable>false</privateKeyExportable>`
				p.matches(p.deploy("json", p.certificateFiles(name, elements)), map[string]any{"status": "Succeeded"})
				p.matches(p.certificates(fields, " WHERE DeveloperName = '"+name+"'")[0],
					map[string]any{"OptionsIsUnusable": true, "OptionsIsCaSigned": true})
				body, err := base64.StdEncoding.DecodeString(p.metadataContent(name))
				if block, _ := pem.Decode(body); err != nil || block == nil || block.Type != "CERTIFICATE REQUEST" {
					p.Errorf("content is no signing request in PEM: %v", err)
				}
				p.matches(p.deploy("json", p.removal(name)), map[string]any{"status": "Succeeded"})
			},
		},
		{
			"DeployOverACertificateMakesAKeyPair", "7.2", "D, C", "CertMeta; public code",
			"A deploy over an existing certificate makes a new key pair. The provider sends none, but for a signed chain; it " +
				"then looks whether the key pair stayed.", deploys | prepared,
			"settings: {certificate_redeploy_keys: true}", func(p *probe) {
				name := fmt.Sprintf("Conformance_%d_Twice", time.Now().Unix())
				files := p.certificateFiles(name, fmt.Sprintf(fitting, ""))
				p.matches(p.deploy("json", files), map[string]any{"status": "Succeeded"})
				id := p.text(p.certificates(fields, " WHERE DeveloperName = '"+name+"'")[0], "Id")
				before := p.leaf(id)
				p.matches(p.deploy("json", files), map[string]any{"status": "Succeeded"})
				id = p.text(p.certificates(fields, " WHERE DeveloperName = '"+name+"'")[0], "Id")
				if after := p.leaf(id); string(after.RawSubjectPublicKeyInfo) == string(before.RawSubjectPublicKeyInfo) {
					p.Error("the key pair stayed")
				}
				p.matches(p.deploy("json", p.removal(name)), map[string]any{"status": "Succeeded"})
			},
		},
	}
}
