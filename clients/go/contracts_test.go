package contracts

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/nats-io/nats.go"
)

type vectors struct {
	Bindings []struct {
		Patterns []string
		Subject  string
		Holds    *string
	}
	Messages []struct {
		Name       string
		Binding    json.RawMessage
		Headers    map[string]string
		Body       string
		Valid      *bool
		Place      string
		Published  map[string]string
		DeadLetter map[string]string
	}
	Schema  json.RawMessage
	Version string
}

func read(t *testing.T) vectors {
	t.Helper()
	body, err := os.ReadFile("../vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var found vectors
	if err := json.Unmarshal(body, &found); err != nil {
		t.Fatal(err)
	}
	return found
}

func compare(t *testing.T, found nats.Header, expected map[string]string) {
	t.Helper()
	if len(found) != len(expected) {
		t.Errorf("headers %v instead of %v", found, expected)
	}
	for name, value := range expected {
		if found.Get(name) != value {
			t.Errorf("header %s is %q instead of %q", name, found.Get(name), value)
		}
	}
}

func TestTheMostSpecificBindingHolds(t *testing.T) {
	for _, vector := range read(t).Bindings {
		var bindings []Binding
		for number, pattern := range vector.Patterns {
			bindings = append(bindings, Binding{Name: fmt.Sprint(number), Subject: pattern, Contract: "c"})
		}
		found := BindingFor(bindings, vector.Subject)
		if (found == nil) != (vector.Holds == nil) || (found != nil && found.Subject != *vector.Holds) {
			t.Errorf("%s among %v: %v", vector.Subject, vector.Patterns, found)
		}
	}
}

func TestMessagesAreStampedOrRefused(t *testing.T) {
	all := read(t)
	for _, vector := range all.Messages {
		t.Run(vector.Name, func(t *testing.T) {
			binding, err := ReadBinding("orders", vector.Binding)
			if err != nil {
				t.Fatal(err)
			}
			schema := Schema{Contract: "order", Version: all.Version, Text: string(all.Schema)}
			contracts, err := Fixed(&Registry{}, []Binding{binding}, map[string]map[string]Schema{"order": {"latest": schema}})
			if err != nil {
				t.Fatal(err)
			}
			header := nats.Header{}
			for name, value := range vector.Headers {
				header.Set(name, value)
			}
			outcome := contracts.Check("orders.eu", []byte(vector.Body), header)
			if vector.Published != nil {
				client := NewClient(nil, contracts)
				client.OnInvalid = func(string, Outcome) {}
				message := &nats.Msg{Subject: "orders.eu", Data: []byte(vector.Body), Header: header}
				if err := client.outgoing(message); err != nil {
					t.Fatal(err)
				}
				compare(t, message.Header, vector.Published)
			}
			if vector.Valid == nil {
				if outcome != nil {
					t.Fatalf("an outcome where none was expected: %+v", outcome)
				}
				return
			}
			if outcome == nil || outcome.Valid() != *vector.Valid || outcome.Place != vector.Place {
				t.Fatalf("%+v", outcome)
			}
			if outcome.Version != all.Version {
				t.Errorf("validated by %q", outcome.Version)
			}
			if vector.DeadLetter != nil {
				letter := deadLetter("orders.eu", []byte(vector.Body), header, outcome)
				if letter.Subject != "dead-letter.orders.eu" || letter.Header.Get("Registry-Error") == "" {
					t.Errorf("%+v", letter)
				}
				letter.Header.Del("Registry-Error") // each validator has its own words
				compare(t, letter.Header, vector.DeadLetter)
			}
		})
	}
}
