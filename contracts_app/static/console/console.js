// What pages do beyond links and forms. Every page works without it, save for copying and coming back by itself.
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

for (const button of document.querySelectorAll("[data-open]")) {
    button.addEventListener("click", () => {
        for (const each of document.querySelectorAll(".tree details")) each.open = button.dataset.open === "true";
    });
}

document.querySelector("[data-focus]")?.focus();

// A form that is sent when the session has ended comes back after the log-in as it was filled in.
const KEPT = "form sent";
const form = document.querySelector("form[data-keep]");
const who = () => document.querySelector(".who")?.textContent;
const said = (each) => each.type === "checkbox" ? "checked" : "value";
const typed = () => [...form.elements].filter((each) => each.name && !["hidden", "file", "submit"].includes(each.type));
if (!location.pathname.endsWith("/login/")) {
    const kept = JSON.parse(sessionStorage.getItem(KEPT));
    sessionStorage.removeItem(KEPT);
    const asked = new URL(document.referrer || location).pathname.endsWith("/login/");
    if (form && asked && kept?.path === location.pathname && kept.who === who()) {
        for (const each of typed()) {
            if (!(each.name in kept.values) || each[said(each)] === kept.values[each.name]) continue;
            each[said(each)] = kept.values[each.name];
            each.closest("details")?.setAttribute("open", "");
        }
        const told = document.createElement("p");
        told.className = "notice";
        told.setAttribute("role", "status");
        told.textContent = form.dataset.keep;
        form.prepend(told);
    }
}
form?.addEventListener("submit", () => {
    const values = {};
    for (const each of typed()) values[each.name] = each[said(each)];
    try {
        sessionStorage.setItem(KEPT, JSON.stringify({path: location.pathname, who: who(), values}));
    } catch { /* more than the browser keeps: then it is not kept */ }
});

// A page that could not be shown looks for the store until it is back.
const away = document.querySelector("[data-come-back]");
if (away) {
    const look = async () => {
        try {
            const answer = await fetch("/readyz", {cache: "no-store"});
            if (answer.ok) return location.reload();
        } catch { /* the console itself is away too */ }
        setTimeout(look, away.dataset.comeBack * 1000);
    };
    setTimeout(look, away.dataset.comeBack * 1000);
}

// Verdicts that take long come one after the other, so that a page asks no more of the server than a reader would.
(async () => {
    for (const cell of document.querySelectorAll("[data-fetch]")) {
        try {
            const answer = await fetch(cell.dataset.fetch);
            if (answer.ok) cell.insertAdjacentHTML("afterbegin", await answer.text());
        } catch { return; }
    }
})();
