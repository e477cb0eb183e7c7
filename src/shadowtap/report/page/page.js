"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];

  // -- dark or light: as the system wants it, until somebody chooses -------------------------------------------
  const button = document.querySelector(".theme");
  const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const named = () => { button.textContent = isDark() ? "Light" : "Dark"; };
  button.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; named(); });
  named();

  // -- filters ----------------------------------------------------------------------------------------------
  const filtered = (box) => {
    const wanted = Object.fromEntries(all("[data-filter]", box).map((field) => [field.dataset.filter, field.value.trim()]));
    const words = (wanted.text || "").toLowerCase().split(/\s+/).filter(Boolean);
    const rows = all("[data-text]", box);
    let count = 0;
    for (const row of rows) {
      const kept = words.every((word) => row.dataset.text.includes(word))
        && (!wanted.kind || row.dataset.kind === wanted.kind) && (!wanted.target || row.dataset.target === wanted.target);
      row.hidden = !kept;
      count += kept;
    }
    const shown = box.querySelector(".shown");
    const name = shown.textContent.split(" ").pop();
    shown.textContent = count === rows.length ? `${count} ${name}` : `${count} of ${rows.length} ${name}`;
    box.querySelector(".nothing").hidden = count > 0;
  };

  // -- sorting ----------------------------------------------------------------------------------------------
  const sorted = (head, direction) => {
    const place = [...head.parentElement.children].indexOf(head), sign = direction === "ascending" ? 1 : -1;
    const value = (row) => head.dataset.sort === "text" ? row.children[place].textContent : Number(row.children[place].dataset.value);
    const body = head.closest("table").tBodies[0];
    const rows = [...body.rows].map((row) => [value(row), row]);
    rows.sort(([a], [b]) => sign * (typeof a === "string" ? a.localeCompare(b) : a - b));
    body.append(...rows.map(([, row]) => row));
    for (const other of head.parentElement.children) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", direction);
  };

  const prepare = (part) => {
    for (const head of all(".sortable th[data-sort]", part)) { head.tabIndex = 0; }
  };
  const sort = (head) => {
    const first = head.dataset.sort === "text" ? "ascending" : "descending";
    const other = first === "ascending" ? "descending" : "ascending";
    sorted(head, head.getAttribute("aria-sort") === first ? other : first);
  };
  prepare(document);
  document.addEventListener("input", (event) => {
    const box = event.target.closest(".filtered");
    if (box) filtered(box);
  });
  document.addEventListener("click", (event) => {
    const head = event.target.closest(".sortable th[data-sort]");
    if (head) sort(head);
    const copy = event.target.closest(".copy");
    if (copy) copied(copy);
  });
  document.addEventListener("keydown", (event) => {
    const head = event.target.closest(".sortable th[data-sort]");
    if (head && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); sort(head); }
  });

  // -- copying: where the clipboard is not to be had, the text is selected --------------------------------------
  const copied = async (copy) => {
    const pre = copy.parentElement.querySelector("pre");
    try {
      await navigator.clipboard.writeText(pre.textContent);
      copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(pre);
      copy.textContent = "Selected";
    }
    setTimeout(() => { copy.textContent = "Copy"; }, 1500);
  };

  // -- what a chart says where the pointer is ---------------------------------------------------------------------
  const tip = document.querySelector(".tip"), told = new WeakMap();
  let cursor = null;
  const leave = () => { tip.hidden = true; cursor?.remove(); cursor = null; };
  const point = (event) => {
    const plot = event.target.closest?.("[data-chart]");
    if (!plot) { leave(); return; }
    if (!told.has(plot)) told.set(plot, JSON.parse(plot.dataset.chart));
    const { x, series } = told.get(plot), box = plot.getBoundingClientRect();
    const place = Math.min(x.length - 1, Math.max(0, Math.floor((event.clientX - box.left) / box.width * x.length)));
    const title = document.createElement("b");
    title.textContent = x[place];
    tip.replaceChildren(title, ...series.map(([name, , values]) => {
      const row = document.createElement("div"), what = document.createElement("span"), value = document.createElement("span");
      what.textContent = name; value.textContent = values[place];
      row.append(what, value);
      return row;
    }));
    tip.hidden = false;
    const wide = tip.offsetWidth, left = event.clientX + 14 + wide > innerWidth ? event.clientX - 14 - wide : event.clientX + 14;
    tip.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, event.clientY - tip.offsetHeight - 12)}px)`;
    if (!cursor || cursor.parentNode !== plot.firstElementChild) {
      cursor?.remove();
      cursor = document.createElementNS("http://www.w3.org/2000/svg", "line");
      cursor.setAttribute("class", "cursor");
      cursor.setAttribute("y1", "18");
      cursor.setAttribute("y2", String(box.height - 22));
      plot.firstElementChild.append(cursor);
    }
    for (const end of ["x1", "x2"]) cursor.setAttribute(end, `${100 * (place + 0.5) / x.length}%`);
  };
  document.addEventListener("pointermove", point);
  document.addEventListener("pointerdown", point);
  document.documentElement.addEventListener("pointerleave", leave);
  document.addEventListener("scroll", leave, { passive: true });

  // -- live: sections that have changed are replaced; what is open, filtered and sorted stays so ------------------------
  if (!root.dataset.live) return;
  const known = new Map();
  const replace = (part, html) => {
    const open = new Set(all("details[open]", part).map((one) => one.dataset.key || one.className));
    const typed = all("[data-filter]", part).map((field) => field.value);
    const focus = all("[data-filter]", part).indexOf(document.activeElement);
    const heads = all("th[data-sort]", part), by = heads.findIndex((head) => head.hasAttribute("aria-sort"));
    const direction = by >= 0 ? heads[by].getAttribute("aria-sort") : "";
    const scrolled = all(".scroll", part).map((one) => one.scrollLeft);
    leave();
    part.innerHTML = html;
    for (const one of all("details", part)) one.open = open.has(one.dataset.key || one.className);
    all("[data-filter]", part).forEach((field, place) => {
      if (!typed[place]) return;
      field.value = typed[place];
      filtered(field.closest(".filtered"));
    });
    if (focus >= 0) all("[data-filter]", part)[focus]?.focus();
    if (by >= 0) { const head = all("th[data-sort]", part)[by]; if (head) sorted(head, direction); }
    all(".scroll", part).forEach((one, place) => { one.scrollLeft = scrolled[place] || 0; });
    prepare(part);
  };
  let wait = 2000;
  const ask = async () => {
    let over = "";
    try {
      const answer = await fetch(root.dataset.live, { cache: "no-store" });
      if (!answer.ok) throw new Error(answer.status);
      const { parts } = await answer.json();
      for (const part of all("[data-part]")) {
        const html = parts[part.dataset.part];
        if (html === undefined || known.get(part.dataset.part) === html) continue;
        known.set(part.dataset.part, html);
        if (part.contains(document.activeElement) && document.activeElement.tagName === "SELECT") continue;
        replace(part, html);
      }
      wait = 2000;
    } catch {
      over = "not reachable; this is what was known last";
      wait = Math.min(wait * 2, 30000);
    }
    const live = document.querySelector(".live");
    if (live) {
      live.classList.toggle("over", over !== "");
      live.textContent = over || "live";
    }
    setTimeout(ask, wait);
  };
  setTimeout(ask, wait);
})();
