/* Everything works without this file. It reads pages aloud, prints, warns before a session ends. Trusted Types: no HTML is built. */
(() => {
  "use strict";
  const one = (selector) => document.querySelector(selector);
  const show = (element) => { if (element) element.hidden = false; };

  const errors = one(".errors");
  if (errors) errors.focus();

  for (const button of document.querySelectorAll("[data-print]")) {
    show(button);
    button.addEventListener("click", () => window.print());
  }

  const aloud = one("[data-aloud]");
  if (aloud && "speechSynthesis" in window) {
    const voice = window.speechSynthesis;
    const say = aloud.textContent;
    const end = () => { voice.cancel(); aloud.textContent = say; aloud.setAttribute("aria-pressed", "false"); };
    show(aloud);
    aloud.addEventListener("click", () => {
      if (voice.speaking) return end();
      const words = new SpeechSynthesisUtterance(one("main").innerText);
      words.lang = document.documentElement.lang;
      words.rate = 0.85;
      words.onend = end;
      voice.speak(words);
      aloud.textContent = aloud.dataset.aloud;
      aloud.setAttribute("aria-pressed", "true");
    });
    window.addEventListener("pagehide", () => voice.cancel());
  }

  const idle = one("dialog[data-idle]");
  if (idle) {
    const seconds = Number(idle.dataset.idle), warn = Number(idle.dataset.warn);
    let asking, leaving;
    const start = () => {
      clearTimeout(asking);
      clearTimeout(leaving);
      asking = setTimeout(() => idle.showModal(), (seconds - warn) * 1000);
      leaving = setTimeout(() => location.assign(idle.dataset.over), seconds * 1000 + 2000);
    };
    const form = idle.querySelector("form");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "manual" })
        .then((answer) => { if (!answer.ok && answer.type !== "opaqueredirect") throw answer; idle.close(); start(); })
        .catch(() => location.assign(idle.dataset.over));
    });
    start();
  }
})();
