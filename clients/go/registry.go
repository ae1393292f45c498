package contracts

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Registry is a client of the registry's HTTP API, for what programs over NATS need.
type Registry struct {
	Endpoint string
	Token    string
	// Cache is a folder for schemas, which are used where the registry cannot be reached; empty for none.
	Cache string
	// HTTP is the client to use; nil for one with a timeout of ten seconds.
	HTTP *http.Client
}

// Schema is the compound schema of a version: its text with all that it refers to.
type Schema struct {
	Contract string `json:"contract"`
	Version  string `json:"version"`
	Text     string `json:"text"`
	ETag     string `json:"etag"`
}

// RegistryError is a refusal of the registry. Unreachable is true where no registry answered.
type RegistryError struct {
	Status      int
	Detail      string
	Unreachable bool
}

func (e *RegistryError) Error() string {
	return fmt.Sprintf("the registry answered %d: %s", e.Status, e.Detail)
}

const attempts = 3

// Schema returns a compound schema by an exact version, latest or a range: from the registry, or from the cache where the
// registry cannot be reached.
func (r *Registry) Schema(ctx context.Context, contract, version string) (Schema, error) {
	key := contract + "@" + version
	var known Schema
	has := r.read(key, &known)
	target := fmt.Sprintf("%s/registry/contracts/%s/%s/bundled",
		strings.TrimRight(r.Endpoint, "/"), url.PathEscape(contract), url.PathEscape(version))
	response, body, err := r.send(ctx, http.MethodGet, target, known.ETag, nil)
	if err != nil {
		if has {
			return known, nil
		}
		return Schema{}, &RegistryError{Detail: err.Error(), Unreachable: true}
	}
	if response.StatusCode == http.StatusNotModified && has {
		return known, nil
	}
	if response.StatusCode != http.StatusOK {
		return Schema{}, refusal(response, body)
	}
	exact := version
	parts := strings.Split(response.Header.Get("Content-Location"), "/")
	for number := 0; number < len(parts)-1; number++ {
		if parts[number] == contract {
			exact = parts[number+1]
		}
	}
	found := Schema{Contract: contract, Version: exact, Text: string(body), ETag: response.Header.Get("ETag")}
	r.write(key, found)
	return found, nil
}

// Use is one contract that a program reads or writes. Range is latest if it is empty, Access is read; without Fields, which
// are JSON Pointers, it may use all of them.
type Use struct {
	Contract string   `json:"contract"`
	Range    string   `json:"range,omitempty"`
	Access   string   `json:"access,omitempty"`
	Fields   []string `json:"fields,omitempty"`
}

// Usage is what a program declares that it uses.
type Usage struct {
	Version     string `json:"version,omitempty"`
	Environment string `json:"environment,omitempty"`
	Uses        []Use  `json:"uses"`
}

// Declare says to the registry what a program uses, so that it is named where a change or a withdrawal would concern it.
// The registry forgets it after some time: Contracts.Announce says it again and again.
func (r *Registry) Declare(ctx context.Context, client string, usage Usage) error {
	content, err := json.Marshal(usage)
	if err != nil {
		return err
	}
	target := strings.TrimRight(r.Endpoint, "/") + "/registry/usage/" + url.PathEscape(client)
	response, body, err := r.send(ctx, http.MethodPut, target, "", content)
	if err != nil {
		return &RegistryError{Detail: err.Error(), Unreachable: true}
	}
	if response.StatusCode != http.StatusOK {
		return refusal(response, body)
	}
	return nil
}

func refusal(response *http.Response, body []byte) *RegistryError {
	var problem struct{ Detail string }
	if json.Unmarshal(body, &problem) != nil || problem.Detail == "" {
		problem.Detail = "this does not look like a contract registry"
	}
	return &RegistryError{Status: response.StatusCode, Detail: problem.Detail}
}

// SchemaURL returns the URL of a version's schema, such as for ce-dataschema.
func (r *Registry) SchemaURL(contract, version string) string {
	return fmt.Sprintf("%s/registry/contracts/%s/%s/schema",
		strings.TrimRight(r.Endpoint, "/"), url.PathEscape(contract), url.PathEscape(version))
}

// send sends a request, which may be repeated, up to three times, and returns an error where no registry answered.
func (r *Registry) send(ctx context.Context, method, target, etag string, content []byte) (*http.Response, []byte, error) {
	client := r.HTTP
	if client == nil {
		client = &http.Client{Timeout: 10 * time.Second}
	}
	var last error
	for attempt := 0; attempt < attempts; attempt++ {
		if attempt > 0 {
			select {
			case <-ctx.Done():
				return nil, nil, ctx.Err()
			case <-time.After(200 * time.Millisecond << attempt):
			}
		}
		request, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(content))
		if err != nil {
			return nil, nil, err
		}
		request.Header.Set("Authorization", "Bearer "+r.Token)
		request.Header.Set("Accept", "application/schema+json, application/problem+json, application/json")
		if content != nil {
			request.Header.Set("Content-Type", "application/json")
		}
		if etag != "" {
			request.Header.Set("If-None-Match", etag)
		}
		response, err := client.Do(request)
		if err != nil {
			last = err
			continue
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		switch {
		case err != nil:
			last = err
		case response.StatusCode == 429 || response.StatusCode >= 502:
			last = fmt.Errorf("HTTP %d", response.StatusCode)
		default:
			return response, body, nil
		}
	}
	return nil, nil, last
}

func (r *Registry) path(key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(r.Cache, hex.EncodeToString(sum[:16])+".json")
}

func (r *Registry) read(key string, into any) bool {
	if r.Cache == "" {
		return false
	}
	body, err := os.ReadFile(r.path(key))
	return err == nil && json.Unmarshal(body, into) == nil
}

// write keeps a value as a whole or not at all; a full or missing disk is no error.
func (r *Registry) write(key string, value any) {
	if r.Cache == "" || os.MkdirAll(r.Cache, 0o755) != nil {
		return
	}
	body, err := json.Marshal(value)
	if err != nil {
		return
	}
	file, err := os.CreateTemp(r.Cache, "new-*")
	if err != nil {
		return
	}
	_, err = file.Write(body)
	if file.Close() == nil && err == nil {
		_ = os.Rename(file.Name(), r.path(key))
		return
	}
	_ = os.Remove(file.Name())
}
