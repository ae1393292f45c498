// Completion for JSON Schema: keywords of the draft that the text names, types, formats, and references within it.
import {syntaxTree} from "@codemirror/language";

const DIALECT = /"\$schema"\s*:\s*"[^"]*(draft-0[467]|2019-09|2020-12)/;

function parsed(text) {
    try {
        return JSON.parse(text);
    } catch {
        return {};
    }
}

function references(text) {
    const schema = parsed(text);
    const found = ["#"];
    for (const keyword of ["$defs", "definitions"]) {
        for (const name of Object.keys(Object(schema)[keyword] ?? {})) {
            found.push(`#/${keyword}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`);
        }
    }
    return found;
}

/** Return a source of completions from the data of the page: keywords by draft, types, formats and dialects. */
export function schemaCompletion(data) {
    const option = (label, type) => ({label: JSON.stringify(label), type});
    return (context) => {
        const text = context.state.doc.toString();
        const node = syntaxTree(context.state).resolveInner(context.pos, -1);
        const quoted = context.matchBefore(/"[^"]*/);
        if (node.name === "PropertyName" || (node.name === "Object" && (quoted || context.explicit))) {
            const keywords = data.keywords[DIALECT.exec(text)?.[1] ?? "2020-12"];
            const from = node.name === "PropertyName" ? node.from : quoted?.from ?? context.pos;
            const to = node.name === "PropertyName" ? node.to : undefined;
            return {from, to, options: keywords.map((name) => option(name, "keyword")), validFor: /^"[^"]*"?$/};
        }
        const property = node.name === "String" ? node.parent : node.name === "Property" ? node : null;
        if (property?.name !== "Property") return null;
        const key = property.getChild("PropertyName");
        const name = key ? parsed(context.state.sliceDoc(key.from, key.to)) : "";
        const values = {type: data.types, format: data.formats, $schema: data.dialects, $ref: references(text)}[name];
        if (!values) return null;
        const inside = node.name === "String";
        return {
            from: inside ? node.from : quoted?.from ?? context.pos,
            to: inside ? node.to : undefined,
            options: values.map((value) => option(value, "constant")),
            validFor: /^"[^"]*"?$/,
        };
    };
}
