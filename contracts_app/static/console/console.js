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

// A form that is submitted after the session has expired is restored after the log-in.
const KEPT = "form sent";
const form = document.querySelector("form[data-keep]");
const who = () => document.querySelector(".who")?.textContent;
const property = (each) => each.type === "checkbox" ? "checked" : "value";
const typed = () => [...form.elements].filter((each) => each.name && !["hidden", "file", "submit"].includes(each.type));
if (!location.pathname.endsWith("/login/")) {
    const kept = JSON.parse(sessionStorage.getItem(KEPT));
    sessionStorage.removeItem(KEPT);
    const fromLogin = new URL(document.referrer || location).pathname.endsWith("/login/");
    if (form && fromLogin && kept?.path === location.pathname && kept.who === who()) {
        for (const each of typed()) {
            if (!(each.name in kept.values) || each[property(each)] === kept.values[each.name]) continue;
            each[property(each)] = kept.values[each.name];
            each.closest("details")?.setAttribute("open", "");
        }
        const notice = document.createElement("p");
        notice.className = "notice";
        notice.setAttribute("role", "status");
        notice.textContent = form.dataset.keep;
        form.prepend(notice);
    }
}
form?.addEventListener("submit", () => {
    const values = {};
    for (const each of typed()) values[each.name] = each[property(each)];
    try {
        sessionStorage.setItem(KEPT, JSON.stringify({path: location.pathname, who: who(), values}));
    } catch { /* too large for the browser's storage: not kept */ }
});

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
