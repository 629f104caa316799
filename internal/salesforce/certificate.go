package salesforce

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

const (
	// firstVersionUsingKMS is the first API version with OptionsIsUsingKMS [D
	// CertTooling].
	firstVersionUsingKMS = 50
	maxChainBody         = 1 << 20
)

// Certificate is a certificate of the org, without its X.509 content [D
// CertTooling].
type Certificate struct {
	// ID has 18 characters.
	ID string
	// DeveloperName is the unique name that an upload refers to.
	DeveloperName string
	// MasterLabel is the label in Setup.
	MasterLabel string
	// ExpirationDate is zero if Salesforce shows none.
	ExpirationDate, CreatedDate time.Time
	// KeySize is in bits.
	KeySize int
	// CASigned is true for a certificate that a CA signs, false for a self-signed one.
	CASigned bool
	// EncryptedWithPlatformEncryption says that the private key is.
	EncryptedWithPlatformEncryption bool
	// PrivateKeyExportable must be false for BYOK.
	PrivateKeyExportable bool
	// Unusable is true while the signed chain has not been uploaded.
	Unusable bool
	// UsingKMS is for Database keys; always false below API 50.
	UsingKMS bool
}

// ListCertificates reads every certificate of the org by one paged Tooling
// query, sorted by DeveloperName.
func (c *Client) ListCertificates(ctx context.Context) ([]Certificate, error) {
	columns := []string{
		"Id", "DeveloperName", "MasterLabel", "ExpirationDate", "CreatedDate", "KeySize",
		"OptionsIsCaSigned", "OptionsIsEncryptedWithPE", "OptionsIsPrivateKeyExportable", "OptionsIsUnusable",
	}
	if c.apiNumber >= firstVersionUsingKMS {
		columns = append(columns, "OptionsIsUsingKMS")
	}
	type row struct {
		ID                   string   `json:"Id"`
		DeveloperName        string   `json:"DeveloperName"`
		MasterLabel          string   `json:"MasterLabel"`
		ExpirationDate       wireTime `json:"ExpirationDate"`
		CreatedDate          wireTime `json:"CreatedDate"`
		KeySize              wireInt  `json:"KeySize"`
		CASigned             wireBool `json:"OptionsIsCaSigned"`
		EncryptedWithPE      wireBool `json:"OptionsIsEncryptedWithPE"`
		PrivateKeyExportable wireBool `json:"OptionsIsPrivateKeyExportable"`
		Unusable             wireBool `json:"OptionsIsUnusable"`
		UsingKMS             wireBool `json:"OptionsIsUsingKMS"`
	}
	rows, err := queryAll[row](ctx, c, queryCall{soql: selectFrom("Certificate", columns), tooling: true})
	if err != nil {
		return nil, fmt.Errorf("list certificates: %w", err)
	}
	if len(rows.records) < rows.total {
		return nil, fmt.Errorf("list certificates: Salesforce counted %d records but sent %d", rows.total, len(rows.records))
	}
	list := make([]Certificate, 0, len(rows.records))
	for _, r := range rows.records {
		id, err := recordID(r.ID)
		if err != nil {
			return nil, fmt.Errorf("list certificates: the Id of a certificate: %w", err)
		}
		if r.DeveloperName == "" {
			return nil, fmt.Errorf("list certificates: certificate %s has no DeveloperName", id)
		}
		list = append(list, Certificate{
			ID:                              id,
			DeveloperName:                   r.DeveloperName,
			MasterLabel:                     r.MasterLabel,
			ExpirationDate:                  r.ExpirationDate.Time,
			CreatedDate:                     r.CreatedDate.Time,
			KeySize:                         int(r.KeySize),
			CASigned:                        bool(r.CASigned),
			EncryptedWithPlatformEncryption: bool(r.EncryptedWithPE),
			PrivateKeyExportable:            bool(r.PrivateKeyExportable),
			Unusable:                        bool(r.Unusable),
			UsingKMS:                        bool(r.UsingKMS),
		})
	}
	slices.SortFunc(list, func(a, b Certificate) int {
		return cmp.Or(cmp.Compare(a.DeveloperName, b.DeveloperName), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// CertificateChain downloads the X.509 content of a certificate. Its form is
// not documented: it may be PEM, base64, a JSON string or DER, and is for
// byok.ParseCertificate to read. Of a CA-signed certificate that waits for its
// chain it is a signing request [D CertMeta]. Where there is none the error
// matches ErrNotFound: that may come as a 404, a 204 or an empty body.
func (c *Client) CertificateChain(ctx context.Context, id string) ([]byte, error) {
	full, err := recordID(id)
	if err != nil {
		return nil, fmt.Errorf("certificate id: %w", err)
	}
	var body []byte
	errEmpty := errors.New("it is empty")
	_, err = c.do(ctx, call{
		method:  http.MethodGet,
		path:    c.dataPath("/tooling/sobjects/Certificate/" + full + "/CertificateChain"),
		accept:  "*/*",
		maxBody: maxChainBody,
		decode: func(r *reply) error {
			if len(r.body) == 0 && r.status != http.StatusNoContent {
				return errEmpty // perhaps the next one is not
			}
			body = r.body
			return nil
		},
	})
	reply, misread := errors.AsType[*ReplyError](err)
	if misread && errors.Is(reply.Err, errEmpty) || err == nil && len(body) == 0 {
		return nil, fmt.Errorf("the chain of certificate %s is empty: %w", full, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read the chain of certificate %s: %w", full, err)
	}
	return body, nil
}
