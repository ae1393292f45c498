// Parse a document with the official parser; print its problems and its channels, exit with 1 if there are errors.
import { readFileSync } from "node:fs";

import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf8"));
const errors = diagnostics.filter((each) => each.severity === 0);
for (const each of errors) console.log(`${each.path.join("/")}: ${each.message}`);
for (const each of document?.channels().all() ?? []) console.log(`${each.id()} ${each.address()}`);
for (const each of document?.allMessages().all() ?? []) console.log(`${each.id()} ${each.schemaFormat()}`);
process.exit(document && errors.length === 0 ? 0 : 1);
