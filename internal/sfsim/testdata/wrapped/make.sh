#!/bin/sh
# Makes the vectors of this directory with OpenSSL (3.0.19 made the committed ones): a tenant secret wrapped for the public key of
# ../keys/rsa4096-1.pem in every way that the simulator must open or refuse. Each file is base64 without line breaks.
set -eu
cd "$(dirname "$0")"
key=../keys/rsa4096-1.pem
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
openssl pkey -in "$key" -pubout -out "$work/pub"
openssl pkey -in ../keys/rsa4096-2.pem -pubout -out "$work/otherpub"
printf '%s' 'sfsim vector: 32 bytes of secret' > "$work/secret"
printf '%s' 'sfsim vector: 31 bytes, too few' > "$work/short"
openssl base64 -A -in "$work/secret" > secret.b64
openssl dgst -sha256 -binary "$work/secret" | openssl base64 -A > hash.b64

oaep() { # name, public key, input, options of pkeyutl
	name=$1 pub=$2 in=$3
	shift 3
	openssl pkeyutl -encrypt -pubin -inkey "$work/$pub" -in "$work/$in" -pkeyopt rsa_padding_mode:oaep "$@" |
		openssl base64 -A > "$name.b64"
}
oaep oaep_sha1 pub secret
oaep oaep_sha512 pub secret -pkeyopt rsa_oaep_md:sha512
oaep oaep_sha256 pub secret -pkeyopt rsa_oaep_md:sha256
oaep oaep_sha512_mgf1_sha1 pub secret -pkeyopt rsa_oaep_md:sha512 -pkeyopt rsa_mgf1_md:sha1
oaep oaep_sha512_label pub secret -pkeyopt rsa_oaep_md:sha512 -pkeyopt rsa_oaep_label:6c
oaep oaep_sha512_short pub short -pkeyopt rsa_oaep_md:sha512
oaep oaep_sha512_other_key otherpub secret -pkeyopt rsa_oaep_md:sha512
openssl pkeyutl -encrypt -pubin -inkey "$work/pub" -in "$work/secret" -pkeyopt rsa_padding_mode:pkcs1 |
	openssl base64 -A > pkcs1.b64

ckm() { # name, OAEP hash
	openssl rand 32 > "$work/kek"
	kek=$(od -An -tx1 "$work/kek" | tr -d ' \n')
	openssl pkeyutl -encrypt -pubin -inkey "$work/pub" -in "$work/kek" -pkeyopt rsa_padding_mode:oaep -pkeyopt "rsa_oaep_md:$2" > "$work/out"
	openssl enc -e -id-aes256-wrap-pad -K "$kek" -iv A65959A6 -in "$work/secret" >> "$work/out"
	openssl base64 -A -in "$work/out" > "$1.b64"
}
ckm ckm_sha512 sha512
ckm ckm_sha1 sha1
