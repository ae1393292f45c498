package contracts

import (
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
	response, body, err := r.get(ctx, target, known.ETag)
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
		var problem struct{ Detail string }
		if json.Unmarshal(body, &problem) != nil || problem.Detail == "" {
			problem.Detail = "this does not look like a contract registry"
		}
		return Schema{}, &RegistryError{Status: response.StatusCode, Detail: problem.Detail}
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

// SchemaURL returns the URL of a version's schema, such as for ce-dataschema.
func (r *Registry) SchemaURL(contract, version string) string {
	return fmt.Sprintf("%s/registry/contracts/%s/%s/schema",
		strings.TrimRight(r.Endpoint, "/"), url.PathEscape(contract), url.PathEscape(version))
}

// get sends a request up to three times, and returns an error where no registry answered.
func (r *Registry) get(ctx context.Context, target, etag string) (*http.Response, []byte, error) {
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
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
		if err != nil {
			return nil, nil, err
		}
		request.Header.Set("Authorization", "Bearer "+r.Token)
		request.Header.Set("Accept", "application/schema+json, application/problem+json, application/json")
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
