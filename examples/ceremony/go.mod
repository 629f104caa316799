// The ceremony needs cgo and a PKCS#11 binding, which the provider must not have.
module github.com/salesforcebyok/terraform-provider-salesforcebyok/examples/ceremony

go 1.26.0

require github.com/miekg/pkcs11 v1.1.2
