#!/bin/sh
# Makes the files of testdata/openssl with the openssl command line alone. See PROVENANCE.md.
# Each run makes new keys and ciphertexts; the committed ones need no renewal, they are valid for a hundred years.
set -eu
cd "$(dirname "$0")/openssl"
days=36500

key() { openssl genpkey -quiet -algorithm RSA -pkeyopt "rsa_keygen_bits:$2" -out "$1" 2>/dev/null || openssl genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:$2" -out "$1"; }
self() { openssl req -x509 -new -key "$1" -sha256 -days $days -subj "$2" -out "$3"; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The wrapping key: a self-signed certificate as PEM and DER, and a request with the same key.
key wrapping-key.pem 4096
self wrapping-key.pem "/O=BYOK test/CN=Sim_BYOK" wrapping.crt
openssl x509 -in wrapping.crt -outform DER -out wrapping.der
openssl req -new -key wrapping-key.pem -sha256 -subj "/O=BYOK test/CN=Sim_BYOK" -out wrapping.csr

# The same key under a root and an intermediate authority.
key "$work/root.pem" 2048
key "$work/intermediate.pem" 2048
self "$work/root.pem" "/O=BYOK test/CN=Root" root.crt
printf 'basicConstraints=critical,CA:TRUE\n' > "$work/ca.ext"
openssl req -new -key "$work/intermediate.pem" -subj "/O=BYOK test/CN=Intermediate" -out "$work/intermediate.csr"
openssl x509 -req -in "$work/intermediate.csr" -CA root.crt -CAkey "$work/root.pem" -set_serial 0x0a0b0c0d -sha256 \
	-days $days -extfile "$work/ca.ext" -out intermediate.crt
openssl x509 -req -in wrapping.csr -CA intermediate.crt -CAkey "$work/intermediate.pem" -set_serial 0x00c0ffee -sha256 \
	-days $days -out leaf.crt

# The forms in which authorities and openssl hand out certificates.
cat leaf.crt intermediate.crt root.crt > "$work/chain.pem"
openssl crl2pkcs7 -nocrl -certfile "$work/chain.pem" -out chain.p7b
openssl crl2pkcs7 -nocrl -certfile wrapping.crt -out wrapping.p7b
openssl pkcs7 -in chain.p7b -print_certs -out chain-printed.txt
openssl x509 -in wrapping.crt -trustout -addtrust serverAuth -out trusted.crt

# Certificates that cannot wrap keys.
key "$work/rsa2048.pem" 2048
self "$work/rsa2048.pem" "/O=BYOK test/CN=RSA 2048" rsa2048.crt
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/ec.pem"
self "$work/ec.pem" "/O=BYOK test/CN=EC P-256" ec.crt
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:4096 -pkeyopt rsa_keygen_pubexp:3 -out "$work/e3.pem"
self "$work/e3.pem" "/O=BYOK test/CN=Exponent 3" exponent3.crt

# Key material: its hash, its key check value, and its wrapped forms.
openssl rand -out material.bin 32
hex() { od -An -v -tx1 "$1" | tr -d ' \n'; }
openssl dgst -sha256 -binary material.bin | openssl base64 -A > hash.b64
head -c 16 /dev/zero | openssl enc -aes-256-ecb -nopad -K "$(hex material.bin)" | head -c 3 | od -An -v -tx1 | tr -d ' \n' > kcv.hex
oaep() { openssl pkeyutl -encrypt -certin -inkey wrapping.crt -in "$1" -pkeyopt rsa_padding_mode:oaep -pkeyopt "rsa_oaep_md:$2" -pkeyopt "rsa_mgf1_md:$3"; }
oaep material.bin sha1 sha1 | openssl base64 -A > oaep-sha1.b64
oaep material.bin sha512 sha512 | openssl base64 -A > oaep-sha512.b64
# Neither form that Salesforce takes: the two ways in which OAEP parameters are commonly confused.
oaep material.bin sha256 sha256 | openssl base64 -A > oaep-sha256.b64
oaep material.bin sha512 sha1 | openssl base64 -A > oaep-sha512-mgf1-sha1.b64
openssl rand -out "$work/aes.bin" 32
{
	oaep "$work/aes.bin" sha512 sha512
	openssl enc -id-aes256-wrap-pad -K "$(hex "$work/aes.bin")" -iv A65959A6 -in material.bin
} | openssl base64 -A > rsa-aes-key-wrap-sha512.b64
