#!/bin/sh
# Drives the simulator with the Salesforce CLI, unchanged. Arguments: the sf program, then instance URL, login URL, client id,
# username, private key file. SF_ACCESS_TOKEN is the session to begin with, HOME an empty directory of its own.
set -eu
sf=$1 instance=$2 login=$3 client=$4 username=$5 key=$6
export SF_DISABLE_TELEMETRY=true SF_AUTOUPDATE_DISABLE=true SF_DISABLE_LOG_FILE=true SF_SKIP_NEW_VERSION_CHECK=true

# want runs a command and checks that it succeeds and prints a text.
want() {
	text=$1
	shift
	out=$("$@" 2>&1) || { printf '%s\nfailed: %s\n' "$out" "$*" >&2; exit 1; }
	case $out in
	*"$text"*) ;;
	*) printf '%s\nno "%s" in the output of: %s\n' "$out" "$text" "$*" >&2; exit 1 ;;
	esac
}

want "Successfully authorized $username" "$sf" org login access-token --instance-url "$instance" --alias byToken --no-prompt
want "Connected" "$sf" org display -o byToken
want "Ada Admin" "$sf" data query -o byToken -q "SELECT Id, Type, CreatedBy.Name FROM TenantSecret"
want "Sim_BYOK" "$sf" data query -o byToken --use-tooling-api -q "SELECT Id, DeveloperName FROM Certificate"
id=$("$sf" data query -o byToken -q "SELECT Id FROM TenantSecret" --json 2>/dev/null | sed -n 's/.*"Id": "\(02G[A-Za-z0-9]*\)".*/\1/p')
want "UNKNOWM=" "$sf" data get record -o byToken -s TenantSecret -i "$id"
want "Successfully updated" "$sf" data update record -o byToken -s TenantSecret -i "$id" -v "Description='by the CLI'"
want "DailyApiRequests" "$sf" api request rest /services/data/v62.0/limits -o byToken

want "Successfully authorized $username" "$sf" org login jwt --client-id "$client" --jwt-key-file "$key" --username "$username" \
	--instance-url "$login" --alias byJwt
want "by the CLI" "$sf" data query -o byJwt -q "SELECT Description FROM TenantSecret"

mkdir -p "$HOME/project/force-app/main/default/certs"
cd "$HOME/project"
echo '{"packageDirectories":[{"path":"force-app","default":true}],"sourceApiVersion":"62.0"}' > sfdx-project.json
want "Sim_BYOK" "$sf" project retrieve start -m Certificate:Sim_BYOK -o byJwt
grep -q "BEGIN CERTIFICATE" force-app/main/default/certs/Sim_BYOK.crt
: > force-app/main/default/certs/From_CLI.crt
cat > force-app/main/default/certs/From_CLI.crt-meta.xml <<'XML'
<?xml version="1.0" encoding="UTF-8"?>
<Certificate xmlns="http://soap.sforce.com/2006/04/metadata">
    <caSigned>false</caSigned>
    <encryptedWithPlatformEncryption>true</encryptedWithPlatformEncryption>
    <keySize>4096</keySize>
    <masterLabel>From CLI</masterLabel>
    <privateKeyExportable>false</privateKeyExportable>
</Certificate>
XML
want "From_CLI" "$sf" project deploy start -m Certificate:From_CLI -o byJwt
want "From_CLI" "$sf" data query -o byJwt --use-tooling-api -q "SELECT DeveloperName FROM Certificate"
