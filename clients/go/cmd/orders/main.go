// Command orders publishes orders under their contract, or receives them: `orders publish 1000` or `orders receive 1000`.
//
// Needs NATS_URL, REGISTRY_ENDPOINT and JWT_TOKEN in the environment, and uses a folder CACHE if there is one. One line of output says that it is ready, and one
// what became of the messages.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	contracts "contract-registry/clients/go"

	"github.com/nats-io/nats.go"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("orders publish|receive COUNT")
	}
	count, err := strconv.Atoi(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	nc, err := nats.Connect(os.Getenv("NATS_URL"))
	if err != nil {
		log.Fatal(err)
	}
	registry := &contracts.Registry{
		Endpoint: os.Getenv("REGISTRY_ENDPOINT"),
		Token:    os.Getenv("JWT_TOKEN"),
		Cache:    os.Getenv("CACHE"),
	}
	following, err := contracts.Follow(ctx, nc, registry, "contracts")
	if err != nil {
		log.Fatal(err)
	}
	access := map[string]string{"publish": "write", "receive": "read"}[os.Args[1]]
	following.Announce(ctx, "orders-go", contracts.Usage{
		Version: "1.0.0",
		Uses:    []contracts.Use{{Contract: "order.created", Range: "^1", Access: access, Fields: []string{"/orderId"}}},
	})
	client := contracts.NewClient(nc, following)
	client.OnInvalid = func(string, contracts.Outcome) {}
	if os.Args[1] == "receive" {
		receive(ctx, nc, client, int64(count))
		return
	}
	fmt.Println("ready")
	bufio.NewScanner(os.Stdin).Scan() // the test says when
	published, refused := 0, ""
	for number := range count {
		var order any = map[string]any{"orderId": strconv.Itoa(number), "quantity": 1}
		if number == count/2 {
			order = map[string]any{"orderId": number} // a number where the contract wants a string
		}
		err := client.Publish("orders.go", order)
		var invalid *contracts.InvalidMessage
		switch {
		case errors.As(err, &invalid):
			refused = err.Error()
		case err != nil:
			log.Fatal(err)
		default:
			published++
		}
	}
	if err := nc.Flush(); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("published %d, refused: %s\n", published, refused)
}

func receive(ctx context.Context, nc *nats.Conn, client *contracts.Client, count int64) {
	var received atomic.Int64
	done := make(chan struct{})
	_, err := client.Subscribe("orders.>", "", func(*nats.Msg) {
		if received.Add(1) == count {
			close(done)
		}
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready")
	select {
	case <-done:
	case <-ctx.Done():
	}
	fmt.Printf("received %d\n", received.Load())
}
