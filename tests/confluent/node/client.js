// Confluent's client for Node.js, unchanged, against a registry: node client.js URL USER SECRET
import assert from "node:assert/strict";
import { JsonDeserializer, JsonSerializer, SchemaRegistryClient, SerdeType } from "@confluentinc/schemaregistry";

const [url, user, secret] = process.argv.slice(2);
const settings = {
  baseURLs: [url],
  basicAuthCredentials: { credentialsSource: "USER_INFO", userInfo: `${user}:${secret}` },
};
const schema = JSON.stringify({
  title: "Person",
  type: "object",
  properties: { name: { type: "string" } },
  required: ["name"],
  additionalProperties: false,
});
const client = new SchemaRegistryClient(settings);
const id = await client.register("node-value", { schema, schemaType: "JSON" });
assert.equal(await client.getId("node-value", { schema, schemaType: "JSON" }), id);
assert.deepEqual(await client.getAllVersions("node-value"), [1]);
assert.ok((await client.getAllSubjects()).includes("node-value"));
const other = { schema: '{"type":"string"}', schemaType: "JSON" };
assert.equal(await client.testCompatibility("node-value", 1, other), false);
await assert.rejects(client.register("node-value", other), /incompatible/);
assert.equal(await client.updateCompatibility("node-value", "FULL"), "FULL");

const serializer = new JsonSerializer(client, SerdeType.VALUE, {
  autoRegisterSchemas: false,
  useLatestVersion: true,
  validate: true,
});
const message = await serializer.serialize("node", { name: "Ada" });
const reader = new JsonDeserializer(new SchemaRegistryClient(settings), SerdeType.VALUE, {});
assert.deepEqual(await reader.deserialize("node", message), { name: "Ada" });
await assert.rejects(serializer.serialize("node", { name: 1 }));

assert.deepEqual(await client.deleteSubject("node-value"), [1]);
assert.deepEqual(await client.deleteSubject("node-value", true), [1]);
console.log("done");
