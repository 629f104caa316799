// Command ceremony makes a Salesforce BYOK key inside a PKCS#11 token, such as a hardware security
// module, wraps it there with the org's certificate, and has the token digest it. The key never
// leaves the token in plain: this process sees the wrapped key and its hash.
//
// It writes three files that may be public: wrapped.b64 and hash.b64 for the provider's
// wrapped_key_material and secret_value_hash, and protocol.txt for the witnesses. Before the key is
// made it does the same with a throwaway key and a wrapping key of its own, unwraps that one, and
// compares the hash: a token whose OAEP or digest is not what Salesforce expects is found before
// there is a key.
package main

import (
	"bufio"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "ceremony:", err)
		os.Exit(1)
	}
}

type settings struct {
	module, parameters, token, certificate, fingerprint, algorithm, label, out string
	seal                                                                       bool
	witnesses                                                                  []string
}

func parse(args []string, output io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("ceremony", flag.ContinueOnError)
	flags.SetOutput(output)
	flags.StringVar(&s.module, "module", "", "path of the token's PKCS#11 library")
	flags.StringVar(&s.parameters, "library-parameters", "",
		"string that the library wants in pReserved of C_Initialize (NSS)")
	flags.StringVar(&s.token, "token", "", "label of the token")
	flags.StringVar(&s.certificate, "certificate", "", "PEM file of the org's wrapping certificate")
	flags.StringVar(&s.fingerprint, "fingerprint", "", "SHA-256 fingerprint of that certificate, as the org's "+
		"administrator read it out")
	flags.StringVar(&s.algorithm, "algorithm", "RSA_OAEP_SHA512", "wrapping_algorithm: "+strings.Join(algorithms(), ", "))
	flags.StringVar(&s.label, "label", "", "label of the new key; no other key may have it")
	flags.StringVar(&s.out, "out", ".", "directory for the results; existing files are never overwritten")
	flags.BoolVar(&s.seal, "seal", false, "make the key unextractable once it is wrapped: it can never be wrapped again")
	flags.Func("witness", "name of a witness (repeat it for each)", func(name string) error {
		s.witnesses = append(s.witnesses, name)
		return nil
	})
	flags.Usage = func() {
		_, _ = io.WriteString(output, "usage: ceremony -module FILE -token LABEL -certificate FILE -fingerprint SHA256 "+
			"-label NAME [options] < pin\nThe user PIN is the first line of standard input.\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	for name, value := range map[string]string{
		"module": s.module, "token": s.token, "certificate": s.certificate, "fingerprint": s.fingerprint, "label": s.label,
	} {
		if value == "" {
			return s, fmt.Errorf("-%s is missing; -h lists the options", name)
		}
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if _, ok := supported[s.algorithm]; !ok {
		return s, fmt.Errorf("-algorithm %q: want one of %s", s.algorithm, strings.Join(algorithms(), ", "))
	}
	return s, nil
}

func run(args []string, stdin io.Reader, stdout io.Writer) (err error) {
	s, err := parse(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	certificate, public, err := readCertificate(s.certificate, s.fingerprint, time.Now())
	if err != nil {
		return err
	}
	files, err := newResults(s.out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, files.close(err == nil)) }()

	pin, err := bufio.NewReader(stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading the PIN: %w", err)
	}
	token, err := openToken(s.module, s.parameters, s.token, strings.TrimRight(pin, "\r\n"))
	if err != nil {
		return err
	}
	defer token.close()

	if err := token.refuseLabel(s.label); err != nil {
		return err
	}
	if err := rehearse(token, supported[s.algorithm]); err != nil {
		return fmt.Errorf("rehearsal with a throwaway key: %w; no key was made", err)
	}
	key, err := token.generate(s.label, permanent)
	if err != nil {
		return err
	}
	made, err := perform(token, key, public, s)
	if err != nil {
		// Nobody has used this key: it is taken away again, so that the ceremony can be repeated under
		// the same label.
		return errors.Join(err, token.destroy(key))
	}
	text := protocol(s, certificate, token, made, time.Now())
	if err := files.write(made, text); err != nil {
		return err
	}
	_, err = io.WriteString(stdout, text)
	return err
}

// result is what the ceremony hands over. Nothing in it is secret.
type result struct {
	wrapped, hash []byte
	attributes    attributes
}

// perform wraps and digests the key, and seals it where that is asked for.
func perform(t *token, key handle, to *rsa.PublicKey, s settings) (result, error) {
	before, err := t.attributes(key)
	if err != nil {
		return result{}, err
	}
	if err := before.acceptable(); err != nil {
		return result{}, err
	}
	wrapped, err := t.wrap(key, to, supported[s.algorithm])
	if err != nil {
		return result{}, err
	}
	hash, err := t.digest(key)
	if err != nil {
		return result{}, err
	}
	if s.seal {
		if err := sealForGood(t, key, to, supported[s.algorithm]); err != nil {
			return result{}, err
		}
	}
	after, err := t.attributes(key)
	return result{wrapped, hash, after}, err
}

// sealForGood does not believe the attribute: NSS shows it, and wraps the key all the same.
func sealForGood(t *token, key handle, to *rsa.PublicKey, how algorithm) error {
	if err := t.seal(key); err != nil {
		return err
	}
	if _, err := t.wrap(key, to, how); err == nil {
		return errors.New("the token wraps a sealed key all the same: -seal is not possible with it")
	}
	return nil
}

// results are the files, made before there is a key: a directory that can't be written to is found
// while nothing is lost.
type results struct {
	files map[string]*os.File
	done  bool
}

var resultNames = []string{"wrapped.b64", "hash.b64", "protocol.txt"}

func newResults(directory string) (*results, error) {
	r := &results{files: map[string]*os.File{}}
	for _, name := range resultNames {
		//nolint:gosec // where the user wants it; nothing in it is secret
		file, err := os.OpenFile(filepath.Join(directory, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if err != nil {
			return nil, errors.Join(err, r.close(false))
		}
		r.files[name] = file
	}
	return r, nil
}

func (r *results) write(made result, protocol string) error {
	contents := map[string]string{
		"wrapped.b64": base64.StdEncoding.EncodeToString(made.wrapped),
		"hash.b64":    base64.StdEncoding.EncodeToString(made.hash), "protocol.txt": protocol,
	}
	for _, name := range resultNames {
		_, err := r.files[name].WriteString(contents[name])
		if err == nil {
			err = r.files[name].Sync()
		}
		if err != nil {
			return err
		}
	}
	r.done = true
	return nil
}

// close closes the files. What was not written is removed, so that the ceremony can be repeated.
func (r *results) close(keep bool) error {
	var errs []error
	for _, file := range r.files {
		errs = append(errs, file.Close())
		if !keep && !r.done {
			errs = append(errs, os.Remove(file.Name()))
		}
	}
	return errors.Join(errs...)
}
