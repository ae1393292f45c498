// Progressive enhancement. Every page works without it, except for copying and reloading by itself.
"use strict";

for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
        const text = document.querySelector(button.dataset.copy).textContent;
        const before = button.textContent;
        try {
            await navigator.clipboard.writeText(text);
            button.textContent = "✓";
        } catch {
            // Without a secure context there is no clipboard: leave the text selected.
            getSelection().selectAllChildren(document.querySelector(button.dataset.copy));
        }
        setTimeout(() => { button.textContent = before; }, 1500);
    });
}

for (const box of document.querySelectorAll("[data-tick-all]")) {
    box.addEventListener("change", () => {
        for (const each of box.form.querySelectorAll(`[name="${box.dataset.tickAll}"]`)) each.checked = box.checked;
    });
}

for (const place of document.querySelectorAll("[data-ticked]")) {
    const form = place.closest("form");
    const count = () => {
        const ticked = form.querySelectorAll(`[name="${place.dataset.ticked}"]:checked`).length;
        place.textContent = ticked ? `${ticked} ${place.dataset.some}` : place.dataset.none;
    };
    form.addEventListener("change", count);
    count();
}

document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable]")) return;
    const search = document.querySelector('[data-hotkey="/"]');
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
});

for (const button of document.querySelectorAll("[data-open]")) {
    button.addEventListener("click", () => {
        for (const each of document.querySelectorAll(".tree details")) each.open = button.dataset.open === "true";
    });
}

document.querySelector("[data-focus]")?.focus();

// What is typed into a form is kept by the tab until it is saved. A form that is submitted after the session has expired
// is restored after the log-in.
const KEPT = "form sent";
const form = document.querySelector("form[data-keep]");
const who = () => document.querySelector(".who")?.textContent;
const property = (each) => each.type === "checkbox" ? "checked" : "value";
const typed = () => [...form.elements].filter((each) => each.name && !["hidden", "file", "submit"].includes(each.type));
if (!location.pathname.endsWith("/login/")) {
    const kept = JSON.parse(sessionStorage.getItem(KEPT));
    sessionStorage.removeItem(KEPT);
    const fromLogin = new URL(document.referrer || location).pathname.endsWith("/login/");
    if (document.querySelector(".messagelist .success")) { // it was saved
        for (const key of Object.keys(sessionStorage)) if (key.startsWith("typed ")) sessionStorage.removeItem(key);
    }
    const before = JSON.parse(sessionStorage.getItem(typedKey()));
    if (form && fromLogin && kept?.path === location.pathname && kept.who === who()) {
        restore(kept.values, form.dataset.keep);
    } else if (form?.dataset.restored && before && restore(before, form.dataset.restored)) {
        const discard = document.createElement("button");
        discard.type = "button";
        discard.className = "button quiet small";
        discard.textContent = form.dataset.discard;
        discard.addEventListener("click", () => {
            sessionStorage.removeItem(typedKey());
            location.reload();
        });
        form.querySelector(".notice").append(" ", discard);
    }
}
/** Fill in values, with a notice if any differs from what the page has; return whether any does. */
function restore(values, words) {
    let changed = false;
    for (const each of typed()) {
        if (!(each.name in values) || each[property(each)] === values[each.name]) continue;
        each[property(each)] = values[each.name];
        each.closest("details")?.setAttribute("open", "");
        changed = true;
    }
    if (changed || words === form.dataset.keep) {
        const notice = document.createElement("p");
        notice.className = "notice";
        notice.setAttribute("role", "status");
        notice.textContent = words;
        form.prepend(notice);
    }
    return changed;
}
function typedKey() {
    return `typed ${who()} ${location.pathname}${location.search}`;
}
function values() {
    return Object.fromEntries(typed().map((each) => [each.name, each[property(each)]]));
}
function keep(key, value) {
    try {
        sessionStorage.setItem(key, JSON.stringify(value));
    } catch { /* too large for the browser's storage: not kept */ }
}
form?.addEventListener("submit", () => {
    keep(KEPT, {path: location.pathname, who: who(), values: values()});
    if (form.dataset.restored) keep(typedKey(), values());
});
if (form?.dataset.restored) {
    let waiting;
    form.addEventListener("input", () => {
        clearTimeout(waiting);
        waiting = setTimeout(() => keep(typedKey(), values()), 300);
    });
    addEventListener("pagehide", () => { if (sessionStorage.getItem(typedKey())) keep(typedKey(), values()); });
}

// A page that is shown from memory says when the store is back.
const stale = document.querySelector("[data-back]");
if (stale) {
    const check = async () => {
        try {
            const response = await fetch("/readyz", {cache: "no-store"});
            if (response.ok && (await response.json()).status === "ready") {
                const link = document.createElement("a");
                link.href = location.href;
                link.textContent = stale.dataset.reload;
                stale.replaceChildren(`${stale.dataset.back} `, link);
                return;
            }
        } catch { /* the console itself is unavailable too */ }
        setTimeout(check, 2000);
    };
    setTimeout(check, 2000);
}

// A page that could not be shown checks the store until it is back.
const away = document.querySelector("[data-come-back]");
if (away) {
    const check = async () => {
        try {
            const response = await fetch("/readyz", {cache: "no-store"});
            if (response.ok) return location.reload();
        } catch { /* the console itself is unavailable too */ }
        setTimeout(check, away.dataset.comeBack * 1000);
    };
    setTimeout(check, away.dataset.comeBack * 1000);
}

// Slow verdicts are fetched one after the other, so that a page puts no more load on the server than a reader.
(async () => {
    for (const cell of document.querySelectorAll("[data-fetch]")) {
        try {
            const response = await fetch(cell.dataset.fetch);
            if (response.ok) cell.insertAdjacentHTML("afterbegin", await response.text());
        } catch { return; }
    }
})();
