// The publish page with an editor and the verdict next to it. Without this script the page is a plain form.
import {autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap} from "@codemirror/autocomplete";
import {defaultKeymap, history, historyKeymap} from "@codemirror/commands";
import {json} from "@codemirror/lang-json";
import {bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentUnit, syntaxHighlighting} from "@codemirror/language";
import {lintGutter, lintKeymap, setDiagnostics} from "@codemirror/lint";
import {highlightSelectionMatches, searchKeymap} from "@codemirror/search";
import {EditorState} from "@codemirror/state";
import {
    drawSelection, dropCursor, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers,
} from "@codemirror/view";
import {tags} from "@lezer/highlight";

import {schemaCompletion} from "./completion.js";
import {formatted} from "./json_text.js";
import {wit} from "./wit.js";

const PAUSE = 600; // milliseconds without a key after which the text is checked
const form = document.querySelector("form[data-workbench]");

const colours = HighlightStyle.define([
    {tag: tags.propertyName, color: "var(--hl-key)"},
    {tag: [tags.string, tags.meta], color: "var(--hl-string)"},
    {tag: tags.number, color: "var(--hl-number)"},
    {tag: [tags.keyword, tags.bool, tags.null, tags.typeName], color: "var(--hl-keyword)"},
    {tag: tags.comment, color: "var(--hl-comment)", fontStyle: "italic"},
]);
const theme = EditorView.theme({
    "&": {
        fontSize: "0.8125rem", color: "var(--body-fg)", backgroundColor: "var(--body-bg)",
        border: "1px solid var(--border-color)", borderRadius: "8px", overflow: "hidden",
    },
    "&.cm-focused": {outline: "2px solid var(--primary)", outlineOffset: "1px"},
    ".cm-scroller": {fontFamily: "var(--font-family-monospace)", lineHeight: "1.5", overflow: "auto"},
    ".cm-content": {caretColor: "var(--body-fg)"},
    ".cm-cursor": {borderLeftColor: "var(--body-fg)"},
    ".cm-gutters": {
        backgroundColor: "var(--darkened-bg)", color: "var(--body-quiet-color)", borderRight: "1px solid var(--hairline-color)",
    },
    ".cm-activeLine, .cm-activeLineGutter": {backgroundColor: "var(--selected-row)"},
    "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
        backgroundColor: "light-dark(#c7d2fe, #3b4178)",
    },
    ".cm-tooltip, .cm-panels": {backgroundColor: "var(--card)", color: "var(--body-fg)", borderColor: "var(--border-color)"},
    ".cm-tooltip-autocomplete > ul > li[aria-selected]": {backgroundColor: "var(--button-bg)", color: "var(--button-fg)"},
    ".cm-diagnostic": {whiteSpace: "pre-wrap"},
});

/** Replace a text area by an editor that keeps the text area's value. */
function edit(area) {
    const language = area.dataset.editor;
    const label = form.querySelector(`label[for="${area.id}"]`);
    label.id ||= `${area.id}_label`;
    const extensions = [
        lineNumbers(), foldGutter(), lintGutter(), history(), drawSelection(), dropCursor(), bracketMatching(),
        closeBrackets(), highlightActiveLine(), highlightActiveLineGutter(), highlightSelectionMatches(),
        indentUnit.of("  "), EditorState.tabSize.of(2), EditorView.lineWrapping, syntaxHighlighting(colours), theme,
        language === "wit" ? wit : json(),
        keymap.of([
            {key: "Mod-Enter", run: () => (check(true), true)},
            ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap,
            ...completionKeymap, ...lintKeymap,
        ]),
        EditorView.cspNonce.of(form.dataset.nonce),
        EditorView.contentAttributes.of({"aria-labelledby": label.id, tabindex: "0", spellcheck: "false", autocapitalize: "off"}),
        EditorView.updateListener.of((update) => {
            if (!update.docChanged) return;
            area.value = update.state.doc.toString();
            area.dispatchEvent(new Event("input", {bubbles: true}));
        }),
    ];
    const data = document.getElementById("schema-words");
    if (language === "schema" && data) {
        extensions.push(autocompletion({icons: false, override: [schemaCompletion(JSON.parse(data.dataset.words))]}));
    } else {
        extensions.push(autocompletion());
    }
    const view = new EditorView({doc: area.value, extensions});
    area.before(view.dom);
    area.hidden = true;
    label.addEventListener("click", () => view.focus());
    area.setText = (text) => view.dispatch({changes: {from: 0, to: view.state.doc.length, insert: text}});
    if (language !== "wit") addFormat(area, view);
    return view;
}

function addFormat(area, view) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button quiet small";
    button.textContent = form.dataset.format;
    button.addEventListener("click", () => {
        const text = formatted(view.state.doc.toString());
        if (text !== null) area.setText(text);
        view.focus();
    });
    area.closest(".field").querySelector("label").after(button);
}

const editors = new Map();

/** Show in the editors what the verdict says about lines. */
function mark(outcome) {
    const marks = new Map([...editors.keys()].map((name) => [name, []]));
    for (const item of outcome.querySelectorAll("[data-line][data-part]")) {
        const view = editors.get(item.dataset.part);
        if (!view) continue;
        const number = Math.min(Number(item.dataset.line), view.state.doc.lines);
        const line = view.state.doc.line(Math.max(1, number));
        const indent = line.text.length - line.text.trimStart().length;
        marks.get(item.dataset.part).push({
            from: line.from + indent, to: line.to, severity: item.dataset.level, message: item.dataset.message,
        });
    }
    for (const [name, found] of marks) {
        const view = editors.get(name);
        found.sort((a, b) => a.from - b.from);
        view.dispatch(setDiagnostics(view.state, found));
    }
}

let timer, running, leaving = false;

/** Check what the form holds, without leaving the page. If the session has expired, an explicit check leaves it. */
async function check(explicit = false) {
    clearTimeout(timer);
    running?.abort();
    const mine = running = new AbortController();
    const outcome = document.getElementById("outcome");
    const body = new FormData(form);
    if (![...editors.values()].some((view) => view.state.doc.length) || !body.get("name")) return;
    outcome.setAttribute("aria-busy", "true");
    try {
        const response = await fetch(location.pathname + location.search, {
            method: "POST", body, headers: {"X-Fragment": "outcome"}, signal: mine.signal, redirect: "manual",
        });
        if (response.type === "opaqueredirect" && explicit) {
            leaving = true;
            return form.requestSubmit();
        }
        if (response.headers.get("X-Fragment") !== "outcome") throw new Error("not an outcome");
        outcome.innerHTML = await response.text();
        mark(outcome);
    } catch (error) {
        if (error.name !== "AbortError") outcome.textContent = form.dataset.failed;
    }
    if (running === mine) outcome.removeAttribute("aria-busy");
}

if (form) {
    form.classList.add("live");
    for (const area of form.querySelectorAll("textarea[data-editor]")) editors.set(area.name, edit(area));
    form.addEventListener("input", (event) => {
        if (event.target.type === "file") return;
        clearTimeout(timer);
        timer = setTimeout(check, PAUSE);
    });
    for (const input of form.querySelectorAll('input[type="file"]')) {
        input.addEventListener("change", async () => {
            const area = form.elements[input.name.replace("_file", "")];
            if (!input.files.length || !area) return;
            try {
                const text = new TextDecoder("utf-8", {fatal: true}).decode(await input.files[0].arrayBuffer());
                if (text.includes("\r")) return check(); // the server keeps its line breaks; an editor would not
                area.setText(text);
                input.value = "";
            } catch {
                check(); // the server says where it is not UTF-8
            }
        });
    }
    form.addEventListener("submit", (event) => {
        const files = [...form.querySelectorAll('input[type="file"]')].some((input) => input.files.length);
        if (leaving || files || event.submitter?.name) return;
        event.preventDefault();
        check(true);
    }, true);
    form.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
            event.preventDefault();
            check(true);
        }
    });
    form.addEventListener("click", (event) => {
        const link = event.target.closest("a[data-line][data-part]");
        const view = link && editors.get(link.dataset.part);
        if (!view) return;
        event.preventDefault();
        link.closest("details")?.setAttribute("open", "");
        view.dom.closest("details")?.setAttribute("open", "");
        const line = view.state.doc.line(Math.min(Number(link.dataset.line), view.state.doc.lines));
        view.dispatch({selection: {anchor: line.from}, effects: EditorView.scrollIntoView(line.from, {y: "center"})});
        view.focus();
    });
    const outcome = document.getElementById("outcome");
    mark(outcome);
    if (!outcome.textContent.trim() && form.elements.name.value) check();
}
