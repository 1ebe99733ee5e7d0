// The page reads well without this script. It adds: search and filters, opening a linked case,
// keys, copying of digests and commands, and the other language.
"use strict";
(() => {
  const find = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  // Words: the page came in one language, the table holds English and Chinese.
  const chinese = JSON.parse(find("#words").textContent);
  let language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
  const filled = (pattern, values) => pattern.replace(/\{(\d)\}/g, (_, at) => values[at]);
  const say = (text, ...values) => filled(language === "zh" ? chinese[text] : text, values);
  const originals = new WeakMap();
  const original = (node) => {
    if (!originals.has(node)) {
      const text = node.textContent;
      originals.set(node, node.dataset.t || text);
    }
    return originals.get(node);
  };
  const speak = (next) => {
    const nodes = all("[data-t]");
    nodes.forEach(original);
    language = next;
    document.documentElement.lang = next === "zh" ? "zh-Hans" : "en";
    for (const node of nodes) {
      const values = node.dataset.a ? JSON.parse(node.dataset.a) : [];
      node.textContent = say(original(node), ...values);
    }
    for (const node of all(".zh-only")) node.hidden = next !== "zh";
    for (const node of all("[data-label]")) {
      node.setAttribute("aria-label", node.dataset.prefix + say(node.dataset.label));
    }
    const button = find("#language");
    button.textContent = next === "zh" ? "English" : "中文";
    button.lang = next === "zh" ? "en" : "zh-Hans";
    count();
  };

  // Cases: narrowed by words and by what is chosen, ordered as asked.
  const form = find("#filter");
  const box = find("#cards");
  const cards = all("#cards > details");
  const place = new Map(cards.map((card, at) => [card, at]));
  const texts = new Map();
  const text = (card) => {
    if (!texts.has(card)) {
      const parts = all("summary, .findings, .chat, .answers, .origin", card);
      texts.set(card, parts.map((part) => part.textContent).join("\n").toLowerCase());
    }
    return texts.get(card);
  };
  const shown = () => cards.filter((card) => !card.hidden);
  const count = () => {
    find("#count").textContent = say("Showing {0} of {1} cases", shown().length, cards.length);
  };
  const narrow = () => {
    const words = find("#words-sought").value.toLowerCase().split(/\s+/).filter(Boolean);
    const [bucket, gate, lang, kind, way] = ["bucket", "gate", "language", "kind", "part"].map(
      (name) => find(`#by-${name}`)?.value,
    );
    for (const card of cards) {
      const { p, l, k, w } = card.dataset;
      const parts = p.split(" ").map((one) => one.split("."));
      const chosen =
        parts.some(([part, outcome]) => (!gate || part === gate) && (!bucket || outcome === bucket)) &&
        (!lang || l === lang) &&
        (!kind || k === kind) &&
        (!way || (w ?? "").split(" ").includes(way));
      card.hidden = !(chosen && words.every((word) => text(card).includes(word)));
    }
    find("#nothing").hidden = cards.length === 0 || shown().length > 0;
    count();
  };
  const name = (card) => find(".case", card).textContent;
  const orders = {
    urgency: (a, b) => place.get(a) - place.get(b),
    name: (a, b) => (name(a) < name(b) ? -1 : 1),
    kind: (a, b) => a.dataset.k.localeCompare(b.dataset.k) || place.get(a) - place.get(b),
  };
  const order = () => {
    cards.sort(orders[find("#order").value]);
    box.replaceChildren(...cards);
  };
  let waiting = 0;
  form.addEventListener("input", (event) => {
    if (event.target.id === "order") return order();
    clearTimeout(waiting);
    waiting = setTimeout(narrow, event.target.id === "words-sought" ? 120 : 0);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { order(); narrow(); }));
  for (const link of all("a[data-gate], a[data-bucket]")) {
    link.addEventListener("click", () => {
      form.reset();
      find("#by-gate").value = link.dataset.gate || "";
      find("#by-bucket").value = link.dataset.bucket || "";
      setTimeout(narrow);
    });
  }

  // Cards that are not laid out yet have a guessed height: follow a target until it stands still.
  const settle = (node, left = 40) => {
    node.scrollIntoView({ block: "start" });
    const top = node.getBoundingClientRect().top;
    requestAnimationFrame(() => requestAnimationFrame(() => {
      if (left && Math.abs(node.getBoundingClientRect().top - top) > 1) settle(node, left - 1);
    }));
  };

  // A linked case is opened, whatever the filters hide.
  const open = () => {
    let target = null;
    try { target = document.getElementById(decodeURIComponent(location.hash.slice(1))); } catch {}
    if (!target) return;
    const details = target.closest("details");
    if (!details) return settle(target);
    if (details.hidden) { form.reset(); for (const card of cards) card.hidden = false; count(); }
    details.open = true;
    settle(cards.includes(details) ? details : target);
    if (cards.includes(details)) find("summary", details).focus({ preventScroll: true });
  };
  addEventListener("hashchange", open);

  // Keys, unless somebody types.
  const step = (by) => {
    const visible = shown();
    const here = document.activeElement && document.activeElement.closest("#cards > details");
    const at = here ? visible.indexOf(here) + by : by > 0 ? 0 : visible.length - 1;
    const next = visible[Math.min(Math.max(at, 0), visible.length - 1)];
    if (next) { const head = find("summary", next); head.focus(); head.scrollIntoView({ block: "nearest" }); }
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea")) {
      if (event.key !== "Escape") return;
      event.preventDefault();
      if (event.target.id === "words-sought") { event.target.value = ""; narrow(); }
      event.target.blur();
      return;
    }
    const act = { "/": () => { settle(form); find("#words-sought").focus({ preventScroll: true }); }, j: () => step(1), k: () => step(-1) }[event.key];
    if (act) { event.preventDefault(); act(); }
  });

  // Copying, from a file too, where there may be no clipboard.
  const copy = async (text) => {
    try { await navigator.clipboard.writeText(text); } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  };
  for (const source of all(".provenance .digest, #check pre")) {
    const button = document.createElement("button");
    const told = document.createElement("span");
    button.type = "button";
    button.className = "copy";
    told.dataset.t = "Copy";
    told.textContent = say("Copy");
    button.append(told);
    button.addEventListener("click", async () => {
      await copy(source.textContent);
      told.textContent = say("Copied");
      setTimeout(() => { told.textContent = say("Copy"); }, 1500);
    });
    source.after(button);
  }

  find("#language").addEventListener("click", () => speak(language === "zh" ? "en" : "zh"));
  find(".tools").hidden = false;
  form.hidden = false;
  // A browser may keep choices over a reload.
  if (find("#order").value !== "urgency") order();
  if (["#words-sought", "#by-bucket", "#by-gate", "#by-language", "#by-kind"].some((one) => find(one).value)) narrow();
  else count();
  open();
})();
