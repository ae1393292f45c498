// The syntax of WebAssembly interface types, as far as colours need it.
import {StreamLanguage} from "@codemirror/language";

const KEYWORDS = new Set(
    ("package interface world use import export include with as from type record variant enum flags resource " +
        "constructor static func async own borrow").split(" "));
const TYPES = new Set(
    "u8 u16 u32 u64 s8 s16 s32 s64 f32 f64 bool char string list option result tuple future stream".split(" "));

export const wit = StreamLanguage.define({
    name: "wit",
    startState: () => ({comments: 0}),
    token(stream, state) {
        if (state.comments || stream.match("/*")) {
            state.comments ||= 1;
            while (!stream.eol()) {
                if (stream.match("/*")) state.comments++;
                else if (stream.match("*/")) {
                    if (!--state.comments) break;
                } else stream.next();
            }
            return "comment";
        }
        if (stream.match("//")) {
            stream.skipToEnd();
            return "comment";
        }
        if (stream.match(/^@[a-z-]+/)) return "meta";
        const word = stream.match(/^%?[A-Za-z][\w-]*/);
        if (word) return KEYWORDS.has(word[0]) ? "keyword" : TYPES.has(word[0]) ? "typeName" : "variableName";
        if (stream.match(/^\d+(\.\d+)*/)) return "number";
        stream.next();
        return null;
    },
    languageData: {commentTokens: {line: "//", block: {open: "/*", close: "*/"}}},
});
