// Package contracts enforces the contracts of a registry on messages over NATS.
package contracts

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Binding is a subject pattern, and the contract for the messages on it.
type Binding struct {
	Name     string `json:"-"`
	Subject  string `json:"subject"`
	Contract string `json:"contract"`
	Range    string `json:"range"`
	Mode     string `json:"mode"`     // off, report or enforce
	Location string `json:"location"` // body, cloudevents, cloudevents-binary or pointer
	Pointer  string `json:"pointer"`
}

// ReadBinding returns a stored binding; members that this client does not use are ignored.
func ReadBinding(name string, value []byte) (Binding, error) {
	binding := Binding{Name: name, Range: "latest", Mode: "report", Location: "body"}
	if err := json.Unmarshal(value, &binding); err != nil {
		return Binding{}, fmt.Errorf("the binding %s cannot be read: %w", name, err)
	}
	if binding.Subject == "" || binding.Contract == "" {
		return Binding{}, fmt.Errorf("the binding %s has no subject or no contract", name)
	}
	return binding, nil
}

// Covers reports whether a pattern of NATS covers a subject.
func Covers(pattern, subject string) bool {
	wanted, given := strings.Split(pattern, "."), strings.Split(subject, ".")
	for number, token := range wanted {
		if token == ">" && number == len(wanted)-1 {
			return len(given) > number
		}
		if number >= len(given) || (token != "*" && token != given[number]) {
			return false
		}
	}
	return len(wanted) == len(given)
}

// BindingFor returns the binding that holds for a subject: the most specific one of those that cover it, or nil. Token by
// token from the left, a literal is more specific than *, and * more than a last >.
func BindingFor(bindings []Binding, subject string) *Binding {
	var found *Binding
	for number := range bindings {
		each := &bindings[number]
		if Covers(each.Subject, subject) && (found == nil || moreSpecific(each, found)) {
			found = each
		}
	}
	return found
}

func moreSpecific(one, other *Binding) bool {
	first, second := strings.Split(one.Subject, "."), strings.Split(other.Subject, ".")
	for number := 0; number < len(first) && number < len(second); number++ {
		if a, b := rank(first[number]), rank(second[number]); a != b {
			return a > b
		}
	}
	if len(first) != len(second) {
		return len(first) > len(second)
	}
	return one.Name > other.Name
}

func rank(token string) int {
	switch token {
	case ">":
		return 0
	case "*":
		return 1
	}
	return 2
}
