// Confluent's Go client, unchanged, against a registry whose URL is the argument.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"reflect"

	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry"
	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry/serde"
	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry/serde/jsonschema"
)

const schema = `{"title":"Person","type":"object","properties":{"name":{"type":"string"}},"required":["name"],"additionalProperties":false}`

type person struct {
	Name string `json:"name"`
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func expect(what string, got, wanted any) {
	if !reflect.DeepEqual(got, wanted) {
		log.Fatalf("%s: %v, not %v", what, got, wanted)
	}
}

func main() {
	conf := schemaregistry.NewConfigWithBasicAuthentication(os.Args[1], os.Args[2], os.Args[3])
	client, err := schemaregistry.NewClient(conf)
	check(err)
	info := schemaregistry.SchemaInfo{Schema: schema, SchemaType: "JSON"}
	id, err := client.Register("go-value", info, false)
	check(err)
	again, err := client.GetID("go-value", info, false)
	check(err)
	expect("id", again, id)
	latest, err := client.GetLatestSchemaMetadata("go-value")
	check(err)
	expect("version", latest.Version, 1)
	subjects, err := client.GetAllSubjects()
	check(err)
	expect("subjects", len(subjects) > 0, true)
	compatible, err := client.TestCompatibility("go-value", 1, schemaregistry.SchemaInfo{Schema: `{"type":"string"}`, SchemaType: "JSON"})
	check(err)
	expect("compatible", compatible, false)
	_, err = client.Register("go-value", schemaregistry.SchemaInfo{Schema: `{"type":"string"}`, SchemaType: "JSON"}, false)
	expect("refused", err != nil, true)
	level, err := client.UpdateCompatibility("go-value", schemaregistry.Full)
	check(err)
	expect("level", level.String(), "FULL")

	settings := jsonschema.NewSerializerConfig()
	settings.AutoRegisterSchemas = false
	settings.UseLatestVersion = true
	settings.EnableValidation = true
	serializer, err := jsonschema.NewSerializer(client, serde.ValueSerde, settings)
	check(err)
	message, err := serializer.Serialize("go", &person{Name: "Ada"})
	check(err)
	fresh, err := schemaregistry.NewClient(conf)
	check(err)
	deserializer, err := jsonschema.NewDeserializer(fresh, serde.ValueSerde, jsonschema.NewDeserializerConfig())
	check(err)
	var found person
	check(deserializer.DeserializeInto("go", message, &found))
	expect("message", found, person{Name: "Ada"})

	deleted, err := client.DeleteSubject("go-value", false)
	check(err)
	expect("deleted", deleted, []int{1})
	deleted, err = client.DeleteSubject("go-value", true)
	check(err)
	expect("deleted for good", deleted, []int{1})
	answer, _ := json.Marshal(map[string]int{"id": id})
	fmt.Println(string(answer))
}
