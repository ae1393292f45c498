// JSON as text: formatting changes white space alone, so that numbers and escapes stay as they are written.

const TOKEN = /"(?:[^"\\\n]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gy;
const SPACE = /\s*/y;

/** Return the tokens of a text, or null if it is not made of tokens of JSON. */
function tokens(text) {
    const found = [];
    let at = 0;
    while (at < text.length) {
        SPACE.lastIndex = at;
        SPACE.exec(text);
        at = SPACE.lastIndex;
        if (at >= text.length) break;
        TOKEN.lastIndex = at;
        const token = TOKEN.exec(text);
        if (!token) return null;
        found.push(token[0]);
        at = TOKEN.lastIndex;
    }
    return found;
}

/** Return JSON with two spaces for each level; null if the text is not JSON. */
export function formatted(text) {
    try {
        JSON.parse(text);
    } catch {
        return null;
    }
    const list = tokens(text);
    if (!list) return null;
    let made = "", level = 0;
    const line = () => "\n" + "  ".repeat(level);
    for (let i = 0; i < list.length; i++) {
        const token = list[i], next = list[i + 1];
        if (token === "{" || token === "[") {
            if (next === "}" || next === "]") {
                made += token + next;
                i++;
            } else {
                level++;
                made += token + line();
            }
        } else if (token === "}" || token === "]") {
            level--;
            made += line() + token;
        } else if (token === ",") {
            made += token + line();
        } else if (token === ":") {
            made += ": ";
        } else {
            made += token;
        }
    }
    return made + "\n";
}
