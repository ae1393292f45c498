package contracts

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nats.go/micro"
)

// DeadLetterPrefix begins the subject that refused messages are published on.
const DeadLetterPrefix = "dead-letter."

const (
	headerSchema  = "Nats-Schema"
	headerVersion = "Nats-Schema-Version"
	headerError   = "Registry-Error"
	headerPlace   = "Registry-Error-Place"
	headerSubject = "Registry-Subject"
)

// InvalidMessage is the error of a message that its contract refuses; it is on the dead-letter subject.
type InvalidMessage struct {
	Subject string
	Outcome Outcome
}

func (e *InvalidMessage) Error() string {
	place := ""
	if e.Outcome.Place != "" {
		place = " at " + e.Outcome.Place
	}
	return fmt.Sprintf("%s: not valid by %s %s%s: %s",
		e.Subject, e.Outcome.Binding.Contract, e.Outcome.Version, place, e.Outcome.Reason)
}

// Client publishes and receives messages that satisfy their contracts.
type Client struct {
	nc        *nats.Conn
	contracts *Contracts
	// OnInvalid is called with each message that is not valid; the default logs it.
	OnInvalid func(subject string, outcome Outcome)
}

// NewClient returns a client over a connection.
func NewClient(nc *nats.Conn, contracts *Contracts) *Client {
	return &Client{nc: nc, contracts: contracts, OnInvalid: func(subject string, outcome Outcome) {
		slog.Warn("a message is not valid", "subject", subject, "contract", outcome.Binding.Contract,
			"version", outcome.Version, "place", outcome.Place, "reason", outcome.Reason)
	}}
}

// outgoing stamps a message that may be published, or buries it and returns InvalidMessage.
func (c *Client) outgoing(message *nats.Msg) error {
	outcome := c.contracts.Check(message.Subject, message.Data, message.Header)
	if outcome == nil {
		return nil
	}
	if !outcome.Valid() {
		c.OnInvalid(message.Subject, *outcome)
		if outcome.Binding.Mode == "enforce" {
			if err := c.bury(message.Subject, message.Data, message.Header, outcome); err != nil {
				return err
			}
			return &InvalidMessage{message.Subject, *outcome}
		}
	}
	if outcome.Version == "" {
		return nil
	}
	if message.Header == nil {
		message.Header = nats.Header{}
	}
	if message.Header.Get(headerSchema) == "" {
		message.Header.Set(headerSchema, outcome.Binding.Contract)
		message.Header.Set(headerVersion, outcome.Version)
	}
	return nil
}

// incoming reports whether a received message may be handled; if not, it is on the dead-letter subject.
func (c *Client) incoming(subject string, data []byte, header nats.Header) bool {
	outcome := c.contracts.Check(subject, data, header)
	if outcome == nil || outcome.Valid() {
		return true
	}
	c.OnInvalid(subject, *outcome)
	if outcome.Binding.Mode != "enforce" {
		return true
	}
	if err := c.bury(subject, data, header, outcome); err != nil {
		slog.Error("a dead letter was not published", "subject", subject, "error", err)
	}
	return false
}

func (c *Client) bury(subject string, data []byte, header nats.Header, outcome *Outcome) error {
	return c.nc.PublishMsg(deadLetter(subject, data, header, outcome))
}

// deadLetter returns the message for the dead-letter subject: the body and headers as they were, with the reason.
func deadLetter(subject string, data []byte, header nats.Header, outcome *Outcome) *nats.Msg {
	letter := &nats.Msg{Subject: DeadLetterPrefix + subject, Data: data, Header: nats.Header{}}
	for name, values := range header {
		letter.Header[name] = values
	}
	place := outcome.Place
	if place == "" {
		place = "/"
	}
	letter.Header.Set(headerError, strings.Join(strings.Fields(outcome.Reason), " "))
	letter.Header.Set(headerPlace, place)
	letter.Header.Set(headerSubject, subject)
	letter.Header.Set(headerSchema, outcome.Binding.Contract)
	letter.Header.Set(headerVersion, outcome.Version)
	return letter
}

// PublishMsg publishes a message.
func (c *Client) PublishMsg(message *nats.Msg) error {
	if err := c.outgoing(message); err != nil {
		return err
	}
	return c.nc.PublishMsg(message)
}

// Publish publishes a value as JSON, or bytes as they are.
func (c *Client) Publish(subject string, value any) error {
	body, err := MarshalBody(value)
	if err != nil {
		return err
	}
	return c.PublishMsg(&nats.Msg{Subject: subject, Data: body})
}

// Request sends a request, and returns the reply.
func (c *Client) Request(ctx context.Context, message *nats.Msg) (*nats.Msg, error) {
	if err := c.outgoing(message); err != nil {
		return nil, err
	}
	return c.nc.RequestMsgWithContext(ctx, message)
}

// Subscribe has a handler called with the messages that satisfy their contracts.
func (c *Client) Subscribe(subject, queue string, handle nats.MsgHandler) (*nats.Subscription, error) {
	return c.nc.QueueSubscribe(subject, queue, func(message *nats.Msg) {
		if c.incoming(message.Subject, message.Data, message.Header) {
			handle(message)
		}
	})
}

// MicroHandler returns a handler of a micro service that is called with valid requests; others get the error 400.
func (c *Client) MicroHandler(handle micro.HandlerFunc) micro.HandlerFunc {
	return func(request micro.Request) {
		if c.incoming(request.Subject(), request.Data(), nats.Header(request.Headers())) {
			handle(request)
			return
		}
		_ = request.Error("400", "the request is not valid by its contract", nil)
	}
}

// PublishStream publishes a message into a stream.
func (c *Client) PublishStream(ctx context.Context, js jetstream.JetStream, message *nats.Msg) (*jetstream.PubAck, error) {
	if err := c.outgoing(message); err != nil {
		return nil, err
	}
	return js.PublishMsg(ctx, message)
}

// Consume has a handler called with the valid messages of a consumer; the delivery of others is ended.
func (c *Client) Consume(consumer jetstream.Consumer, handle jetstream.MessageHandler, options ...jetstream.PullConsumeOpt) (jetstream.ConsumeContext, error) {
	return consumer.Consume(func(message jetstream.Msg) {
		if c.incoming(message.Subject(), message.Data(), message.Headers()) {
			handle(message)
			return
		}
		if err := message.Term(); err != nil {
			slog.Error("a delivery was not ended", "subject", message.Subject(), "error", err)
		}
	}, options...)
}
