package contracts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const (
	bindingPrefix = "binding."
	metaPrefix    = "meta."
	retry         = time.Second
	// again is the time after a change until the schema is fetched once more: a worker may be a moment behind.
	again = 500 * time.Millisecond
	// start is how long Follow waits for the bucket before it begins with what the cache has.
	start = 10 * time.Second
	// heartbeat is the time after which a program says again what it uses.
	heartbeat = 5 * time.Minute
)

// Outcome is what a message is by the binding of its subject. Reason is empty for a valid one, or where nothing is known.
type Outcome struct {
	Binding *Binding
	Version string // by which it was validated; empty if no schema is known yet
	Place   string // a JSON Pointer
	Reason  string
}

// Valid reports whether the message may pass.
func (o Outcome) Valid() bool { return o.Reason == "" }

type compiled struct {
	schema    Schema
	validator *jsonschema.Schema
}

type use struct{ contract, versions string }

// Contracts are the bindings and compiled schemas of a program. They follow the registry's bucket over NATS; without the
// registry or its link the program goes on with what it has. A message never waits for the registry.
type Contracts struct {
	registry *Registry
	mu       sync.RWMutex
	bucket   string
	bindings map[string]Binding
	raw      map[string]json.RawMessage // as they are stored, for the cache
	listed   []Binding
	subjects map[string]*Binding
	schemas  map[use]compiled
	watched  map[string]bool
	wake     chan use
	loaded   chan struct{}
	once     sync.Once
}

// Fixed returns contracts that follow nothing: these bindings, and schemas by contract and range.
func Fixed(registry *Registry, bindings []Binding, schemas map[string]map[string]Schema) (*Contracts, error) {
	c := newContracts(registry)
	for _, each := range bindings {
		c.set(each.Name, &each, nil)
	}
	for contract, ranges := range schemas {
		for versions, schema := range ranges {
			if err := c.compile(use{contract, versions}, schema); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

// Follow returns contracts that follow the registry's bucket until the context ends, once the bindings and their schemas
// are known; or after ten seconds with those in the cache of the registry's client, and then follows the bucket once it is
// there.
func Follow(ctx context.Context, nc *nats.Conn, registry *Registry, bucket string) (*Contracts, error) {
	c := newContracts(registry)
	c.bucket = bucket
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	go c.refresh(ctx)
	go c.open(ctx, js)
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.loaded:
	case <-time.After(start):
		if err := c.fromCache(); err != nil {
			return nil, err
		}
	}
	for _, each := range c.list() {
		if _, ok := c.known(use{each.Contract, each.Range}); !ok {
			if err := c.fetch(ctx, use{each.Contract, each.Range}); err != nil {
				slog.Warn("no schema yet", "contract", each.Contract, "range", each.Range, "error", err)
			}
		}
	}
	return c, nil
}

// Announce declares in the background what this program uses, and again every five minutes, until the context ends.
// Without the registry it is tried again.
func (c *Contracts) Announce(ctx context.Context, client string, usage Usage) {
	go func() {
		for {
			pause := heartbeat
			err := c.registry.Declare(ctx, client, usage)
			var refused *RegistryError
			if errors.As(err, &refused) && refused.Unreachable {
				pause = 10 * time.Second
			} else if err != nil {
				slog.Warn("the usage was refused", "client", client, "error", err)
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
		}
	}()
}

// open watches the bindings once the bucket can be reached.
func (c *Contracts) open(ctx context.Context, js jetstream.JetStream) {
	for ctx.Err() == nil {
		kv, err := js.KeyValue(ctx, c.bucket)
		if err == nil {
			c.watch(ctx, kv, bindingPrefix+">")
			return
		}
		slog.Warn("the bucket of the registry cannot be reached", "bucket", c.bucket, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(retry):
		}
	}
}

// fromCache takes the bindings that a program had when it last followed the bucket.
func (c *Contracts) fromCache() error {
	var kept map[string]json.RawMessage
	if !c.registry.read("bindings "+c.bucket, &kept) {
		return fmt.Errorf("the bucket %s of the registry cannot be reached, and the cache has no bindings of it", c.bucket)
	}
	for name, value := range kept {
		if binding, err := ReadBinding(name, value); err == nil {
			c.set(name, &binding, value)
		}
	}
	return nil
}

func newContracts(registry *Registry) *Contracts {
	return &Contracts{
		registry: registry,
		bindings: map[string]Binding{},
		raw:      map[string]json.RawMessage{},
		subjects: map[string]*Binding{},
		schemas:  map[use]compiled{},
		watched:  map[string]bool{},
		wake:     make(chan use, 1024),
		loaded:   make(chan struct{}),
	}
}

// BindingFor returns the binding that holds for a subject, or nil.
func (c *Contracts) BindingFor(subject string) *Binding {
	c.mu.RLock()
	found, ok := c.subjects[subject]
	c.mu.RUnlock()
	if ok {
		return found
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.subjects) > 10_000 {
		clear(c.subjects)
	}
	found = BindingFor(c.listed, subject)
	c.subjects[subject] = found
	return found
}

// Check returns what a message is; nil where no binding holds, or its mode is off.
func (c *Contracts) Check(subject string, data []byte, header nats.Header) *Outcome {
	binding := c.BindingFor(subject)
	if binding == nil || binding.Mode == "off" {
		return nil
	}
	known, ok := c.known(use{binding.Contract, binding.Range})
	if !ok {
		return &Outcome{Binding: binding}
	}
	outcome := &Outcome{Binding: binding, Version: known.schema.Version}
	value, err := valueOf(data, header, binding)
	if err != nil {
		outcome.Reason = err.Error()
		return outcome
	}
	if err := known.validator.Validate(value); err != nil {
		outcome.Place, outcome.Reason = first(err)
	}
	return outcome
}

// first returns the place and the reason of the innermost first error.
func first(err error) (string, string) {
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return "", err.Error()
	}
	for len(invalid.Causes) > 0 {
		invalid = invalid.Causes[0]
	}
	place := ""
	for _, step := range invalid.InstanceLocation {
		place += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(step)
	}
	lines := strings.Split(invalid.Error(), "\n")
	return place, strings.TrimSpace(lines[len(lines)-1])
}

func valueOf(data []byte, header nats.Header, binding *Binding) (any, error) {
	if binding.Location == "cloudevents-binary" {
		found := false
		for name := range header {
			found = found || strings.EqualFold(name, "ce-specversion")
		}
		if !found {
			return nil, errors.New("it is no CloudEvent in binary mode: it has no header ce-specversion")
		}
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
	if err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	switch binding.Location {
	case "cloudevents":
		event, ok := value.(map[string]any)
		if !ok || event["specversion"] == nil {
			return nil, errors.New("it is no CloudEvent in structured mode: it has no specversion")
		}
		inner, ok := event["data"]
		if !ok {
			return nil, errors.New("the CloudEvent has no data in JSON")
		}
		return inner, nil
	case "pointer":
		for _, step := range strings.Split(binding.Pointer, "/")[1:] {
			step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
			switch each := value.(type) {
			case map[string]any:
				next, ok := each[step]
				if !ok {
					return nil, fmt.Errorf("there is nothing at %s", binding.Pointer)
				}
				value = next
			case []any:
				number, err := strconv.Atoi(step)
				if err != nil || number < 0 || number >= len(each) {
					return nil, fmt.Errorf("there is nothing at %s", binding.Pointer)
				}
				value = each[number]
			default:
				return nil, fmt.Errorf("there is nothing at %s", binding.Pointer)
			}
		}
	}
	return value, nil
}

func (c *Contracts) known(of use) (compiled, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	found, ok := c.schemas[of]
	return found, ok
}

func (c *Contracts) list() []Binding {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return append([]Binding(nil), c.listed...)
}

func (c *Contracts) set(name string, binding *Binding, stored json.RawMessage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if binding == nil {
		delete(c.bindings, name)
		delete(c.raw, name)
	} else {
		c.bindings[name] = *binding
		c.raw[name] = stored
	}
	c.listed = c.listed[:0:0]
	for _, each := range c.bindings {
		c.listed = append(c.listed, each)
	}
	clear(c.subjects)
}

func (c *Contracts) compile(of use, schema Schema) error {
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(schema.Text))
	if err != nil {
		return err
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	location := "contract:" + of.contract
	if err := compiler.AddResource(location, document); err != nil {
		return err
	}
	validator, err := compiler.Compile(location)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.schemas[of] = compiled{schema, validator}
	c.mu.Unlock()
	return nil
}

func (c *Contracts) fetch(ctx context.Context, of use) error {
	schema, err := c.registry.Schema(ctx, of.contract, of.versions)
	if err != nil {
		return err
	}
	if known, ok := c.known(of); ok && known.schema.Text == schema.Text && known.schema.Version == schema.Version {
		return nil
	}
	return c.compile(of, schema)
}

func (c *Contracts) mark(of use) {
	select {
	case c.wake <- of:
	default: // it is marked often enough
	}
}

// refresh fetches the schemas that may have changed, until the context ends.
func (c *Contracts) refresh(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case of := <-c.wake:
			err := c.fetch(ctx, of)
			var refused *RegistryError
			if errors.As(err, &refused) && refused.Unreachable {
				time.AfterFunc(retry, func() { c.mark(of) })
			} else if err != nil {
				slog.Warn("no schema", "contract", of.contract, "range", of.versions, "error", err)
			}
		}
	}
}

// watch follows some keys of the bucket until the context ends. nats.go's watchers resume by themselves.
func (c *Contracts) watch(ctx context.Context, kv jetstream.KeyValue, keys string) {
	for ctx.Err() == nil {
		watcher, err := kv.Watch(ctx, keys)
		if err != nil {
			time.Sleep(retry)
			continue
		}
		present := map[string]bool{}
		for entry := range watcher.Updates() {
			if entry == nil {
				c.caughtUp(keys, present)
				continue
			}
			c.changed(ctx, kv, entry, present)
		}
		_ = watcher.Stop()
	}
}

func (c *Contracts) caughtUp(keys string, present map[string]bool) {
	if !strings.HasPrefix(keys, bindingPrefix) {
		return
	}
	for _, each := range c.list() {
		if !present[each.Name] {
			c.set(each.Name, nil, nil)
		}
	}
	c.keep()
	c.once.Do(func() { close(c.loaded) })
}

// keep writes the bindings to the cache.
func (c *Contracts) keep() {
	c.mu.RLock()
	kept := make(map[string]json.RawMessage, len(c.raw))
	for name, value := range c.raw {
		kept[name] = value
	}
	c.mu.RUnlock()
	c.registry.write("bindings "+c.bucket, kept)
}

func (c *Contracts) changed(ctx context.Context, kv jetstream.KeyValue, entry jetstream.KeyValueEntry, present map[string]bool) {
	if strings.HasPrefix(entry.Key(), metaPrefix) {
		for _, each := range c.list() {
			if strings.HasPrefix(entry.Key(), metaPrefix+each.Contract+".") {
				of := use{each.Contract, each.Range}
				c.mark(of)
				time.AfterFunc(again, func() { c.mark(of) })
			}
		}
		return
	}
	name := strings.TrimPrefix(entry.Key(), bindingPrefix)
	if entry.Operation() != jetstream.KeyValuePut {
		c.set(name, nil, nil)
		c.keep()
		return
	}
	binding, err := ReadBinding(name, entry.Value())
	if err != nil {
		slog.Warn(err.Error())
		return
	}
	present[name] = true
	c.set(name, &binding, entry.Value())
	select {
	case <-c.loaded:
		c.keep() // not for each of those that come at the start
	default:
	}
	c.mark(use{binding.Contract, binding.Range})
	if !c.watched[binding.Contract] {
		c.watched[binding.Contract] = true
		go c.watch(ctx, kv, metaPrefix+binding.Contract+".>")
	}
}

// MarshalBody returns a value as compact JSON; bytes are returned as they are.
func MarshalBody(value any) ([]byte, error) {
	if body, ok := value.([]byte); ok {
		return body, nil
	}
	return json.Marshal(value)
}
