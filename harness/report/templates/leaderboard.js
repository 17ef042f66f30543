"use strict";
(() => {
  const $ = (selector, from = document) => from.querySelector(selector);
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
  // Names come from files of others: they become text, never markup.
  const make = (tag, props = {}, ...children) => {
    const node = Object.assign(document.createElement(tag), props);
    node.append(...children);
    return node;
  };
  const say = (text) => { $("#status").textContent = text; };
  const main = $("main");
  const views = $$("section.view");
  const boards = $$("table.board");

  // ---- theme
  const theme = $("#theme");
  const remembered = (value) => {
    try {
      if (value) localStorage.setItem("leaderboard-theme", value);
      return localStorage.getItem("leaderboard-theme");
    } catch { return null; }  // a browser may refuse a local file its storage
  };
  const isDark = () => document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  const showTheme = (name) => {
    if (name === "dark" || name === "light") document.documentElement.dataset.theme = name;
    theme.textContent = isDark() ? "Light theme" : "Dark theme";
  };
  showTheme(remembered());
  theme.hidden = false;
  theme.addEventListener("click", () => showTheme(remembered(isDark() ? "light" : "dark") ?? (isDark() ? "light" : "dark")));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => showTheme());

  // ---- sorting
  const sort = (head) => {
    const board = head.closest("table");
    const button = $("button", head);
    const now = head.getAttribute("aria-sort");
    const falling = now ? now === "ascending" : button.dataset.falling === "1";
    const at = head.cellIndex;
    const body = board.tBodies[0];
    const keyed = [...body.rows].map((row) => {
      const cell = row.cells[at];
      const key = at === 0 ? $(".label", cell).textContent : cell.dataset.v === undefined ? null : Number(cell.dataset.v);
      return { row, key };
    });
    const sign = falling ? -1 : 1;
    keyed.sort((a, b) => {
      if (a.key === null || b.key === null) return (a.key === null) - (b.key === null);
      return sign * (at === 0 ? a.key.localeCompare(b.key, "en") : a.key - b.key);
    });
    body.append(...keyed.map((one) => one.row));
    for (const other of head.parentNode.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", falling ? "descending" : "ascending");
    say(`Sorted by ${button.textContent}, ${falling ? "descending" : "ascending"}.`);
  };
  for (const button of $$("table.board thead button")) {
    button.addEventListener("click", () => sort(button.closest("th")));
  }

  // ---- which methods
  const labelOf = (row) => $(".label", row.cells[0]).textContent;
  const rows = boards.flatMap((board) => [...board.tBodies[0].rows].map((row) => ({ row, label: labelOf(row) })));
  const points = $$(".point").map((point) => ({ point, label: point.dataset.method }));
  const boxes = new Map();
  const filter = $("#filter");
  const apply = () => {
    const part = filter.value.trim().toLowerCase();
    const shown = new Set();
    for (const [label, box] of boxes) {
      if (box.checked && label.toLowerCase().includes(part)) shown.add(label);
    }
    for (const { row, label } of rows) row.hidden = !shown.has(label);
    for (const { point, label } of points) point.classList.toggle("off", !shown.has(label));
    $("#chosen").textContent = `${shown.size} of ${boxes.size}`;
    boards.forEach(rove);
    say(`${shown.size} of ${boxes.size} methods shown.`);
  };
  const list = $("#methods ul");
  for (const { label } of rows) {
    if (boxes.has(label)) continue;
    const box = make("input", { type: "checkbox", checked: true });
    boxes.set(label, box);
    list.append(make("li", {}, make("label", {}, box, label)));
  }
  list.addEventListener("change", apply);
  filter.addEventListener("input", apply);
  for (const button of $$("#methods [data-all]")) {
    button.addEventListener("click", () => {
      for (const box of boxes.values()) box.checked = button.dataset.all === "1";
      apply();
    });
  }
  const methods = $("#methods");
  document.addEventListener("click", (event) => { if (!methods.contains(event.target)) methods.open = false; });
  methods.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && methods.open) { methods.open = false; $("summary", methods).focus(); }
  });

  // ---- which columns
  const switches = ["evidence", "columns", "beyond", "cost", "published"].map((name) => {
    const box = make("input", { type: "checkbox", checked: true });
    box.addEventListener("change", () => {
      main.classList.toggle(`no-${name}`, !box.checked);
      boards.forEach(rove);
      rememberColumns();
    });
    const label = make("label", {}, box, make("span"));
    $("#columns").append(label);
    return { name, label, box };
  });
  // Short is what answers who leads and by how much; the address remembers what is asked for.
  const SHORT = ["evidence", "columns"];
  const checked = () => switches.filter(({ box }) => box.checked).map(({ name }) => name);
  const asked = new URLSearchParams(location.search).get("columns");
  const setColumns = (names) => {
    for (const { name, box } of switches) {
      box.checked = names.includes(name);
      main.classList.toggle(`no-${name}`, !box.checked);
    }
    boards.forEach(rove);
    sideways();
  };
  const allColumns = switches.map(({ name }) => name);
  const preset = $("#preset");
  const namePreset = () => { preset.textContent = switches.every(({ label, box }) => label.hidden || box.checked) ? "Show short" : "Show all"; };
  const rememberColumns = () => {
    const now = checked();
    const word = now.length === allColumns.length ? "all" : now.join(",") || "none";
    const query = now.join() === SHORT.join() ? "" : `?columns=${word}`;
    try { history.replaceState(null, "", location.pathname + query + location.hash); } catch { /* not here */ }
    namePreset();
    sideways();
  };
  preset.addEventListener("click", () => {
    setColumns(preset.textContent === "Show all" ? allColumns : SHORT);
    rememberColumns();
  });
  function sideways() {
    for (const box of $$(".scroll")) box.classList.toggle("more", box.scrollLeft + box.clientWidth < box.scrollWidth - 4);
  }
  setColumns(asked === "all" ? allColumns : asked === "none" ? [] : asked?.split(",") ?? SHORT);
  for (const box of $$(".scroll")) box.addEventListener("scroll", sideways, { passive: true });
  addEventListener("resize", sideways);
  const nameSwitches = () => {
    const there = new Map(boards.filter((board) => !board.closest("section").hidden)
      .flatMap((board) => board.dataset.groups.split("|").filter(Boolean)).map((part) => part.split(":")));
    for (const { name, label } of switches) {
      label.hidden = !there.has(name);
      $("span", label).textContent = there.get(name) ?? "";
    }
    namePreset();
    sideways();
  };

  // ---- one stop of the Tab key in a table, arrows within it
  const links = (board) => $$("tbody a", board).filter((link) => link.offsetParent);
  function rove(board) {
    const all = $$("tbody a", board);
    for (const link of all) link.tabIndex = -1;
    const first = all.find((link) => !link.closest("tr").hidden);
    if (first) first.tabIndex = 0;
  }
  const step = (link, key) => {
    const cell = link.closest("td");
    const row = cell.parentNode;
    const own = links(cell.closest("table"));
    const inRow = own.filter((other) => other.closest("tr") === row);
    const inColumn = own.filter((other) => other.closest("td").cellIndex === cell.cellIndex);
    const near = (all, by) => all[all.indexOf(link) + by];
    return {
      ArrowRight: () => near(inRow, 1), ArrowLeft: () => near(inRow, -1),
      ArrowDown: () => near(inColumn, 1), ArrowUp: () => near(inColumn, -1),
      Home: () => inRow[0], End: () => inRow.at(-1),
    }[key]?.();
  };
  for (const board of boards) {
    board.tBodies[0].addEventListener("keydown", (event) => {
      const link = event.target.closest("a");
      const next = link && !event.ctrlKey && !event.altKey && !event.metaKey && step(link, event.key);
      if (!next) return;
      event.preventDefault();
      link.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    });
  }

  // ---- kinds of cost
  for (const box of $$(".plots")) {
    const plots = $$("figure.plot", box);
    const tabs = $(".tabs", box);
    const choose = (chosen) => plots.forEach((plot, i) => {
      plot.hidden = i !== chosen;
      tabs.children[i].setAttribute("aria-pressed", String(i === chosen));
    });
    plots.forEach((plot, i) => {
      const button = make("button", { type: "button", textContent: plot.dataset.title });
      button.addEventListener("click", () => choose(i));
      tabs.append(button);
    });
    choose(0);
    tabs.hidden = plots.length < 2;
  }

  // ---- runs
  const data = JSON.parse($("#data").textContent);
  const pooled = new Set(data.pooled);
  const run = (at) => Object.fromEntries(data.fields.map((name, i) => {
    const value = data.runs[at][i];
    return [name, pooled.has(name) && value !== null ? data.pool[value] : value];
  }));
  const positions = (text) => text.split(",").filter(Boolean).flatMap((part) => {
    const [from, to = from] = part.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
  const idAt = data.fields.indexOf("id");
  const byId = new Map(data.runs.map((line, i) => [line[idAt], i]));
  const dialog = $("#run");
  let before = "";

  const plain = (value) => value === null || value === undefined || value === "" ? "–"
    : typeof value === "object" ? JSON.stringify(value) : String(value);
  const flat = (value, prefix = "") => Object.entries(value ?? {}).flatMap(([name, own]) =>
    own !== null && typeof own === "object" && !Array.isArray(own) && Object.keys(own).length
      ? flat(own, `${prefix}${name}.`) : [[prefix + name, own]]);
  const percent = ([correct, n]) => n ? `${(100 * correct / n).toFixed(2)} %` : "–";
  const table = (heads, lines) => make("table", {},
    make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { scope: "col", textContent: text })))),
    make("tbody", {}, ...lines.map(([name, ...cells]) => {
      const row = make("tr", {}, make("th", { scope: "row", textContent: name }));
      for (const cell of cells) row.append(make("td", { textContent: plain(cell) }));
      return row;
    })));
  const part = (title, ...nodes) => [make("h3", { textContent: title }), ...nodes];

  const detail = (one) => {
    const nodes = [];
    const link = make("a", { href: `#run=${encodeURIComponent(one.id)}`, textContent: one.id });
    nodes.push(make("p", { className: "made" }, `${one.status} · run `, link));
    if (one.status === "missing") nodes.push(make("p", { textContent: "Planned by a sweep of this store, but neither finished nor failed." }));
    if (one.failure) {
      nodes.push(...part("Failure", make("p", { className: "error", textContent: one.failure.error })));
      if (one.failure.traceback) nodes.push(make("pre", { tabIndex: 0, textContent: one.failure.traceback }));
      nodes.push(make("p", { className: "made", textContent: `${one.failure.when}, attempt ${one.failure.attempts}` }));
    }
    if (one.tests) {
      const scores = [["test", one.tests], ["source validation", one.source_val], ["the same before training", one.zero_shot_val]]
        .flatMap(([what, found]) => Object.entries(found ?? {}).map(([name, score]) => [`${what}: ${name}`, percent(score), `${score[0]} of ${score[1]}`]));
      nodes.push(...part("Metrics", table(["images", "accuracy", "correct"], scores)));
      nodes.push(...part("Training", table(["what", "value"], [...flat(one.training), ...Object.entries(one.cost)])));
    }
    const given = new Map(flat(one.given));
    const config = flat(one.config);
    const names = new Set(config.map(([name]) => name));
    const extra = [...given].filter(([name]) => !names.has(name)).map(([name, value]) => [name, "–", value]);
    const settings = table(["parameter", "resolved", "given"], [
      ...config.map(([name, value]) => [name, value, given.has(name) ? given.get(name) : "default"]), ...extra]);
    for (const row of settings.tBodies[0].rows) row.classList.toggle("given", given.has(row.cells[0].textContent));
    nodes.push(...part("Configuration", config.length || extra.length ? settings : make("p", { textContent: "No parameters." })));
    const spec = [["target", one.target], ["seed", one.seed], ["data seed", one.data_seed], ...flat(one.spec)];
    nodes.push(...part("Specification", table(["field", "value"], spec)));
    if (one.environment) {
      const made = [...flat(one.environment), ...flat(one.content), ["predictions, SHA-256", one.predictions]];
      nodes.push(...part("Provenance", table(["what", "value"], made)));
    }
    if (one.log) nodes.push(...part("Log, last lines", make("pre", { tabIndex: 0, textContent: one.log })));
    return nodes;
  };
  const show = (all, chosen) => {
    const one = run(chosen);
    $("#run-h").textContent = `${one.label} · ${one.target} · seed ${one.seed}`;
    const seeds = all.length > 1 ? all.map((at) => {
      const other = run(at);
      const scores = Object.values(other.tests ?? {});
      const result = other.status !== "done" ? other.status : scores.length === 1 ? percent(scores[0]) : "";
      const button = make("button", { type: "button", className: other.status, textContent: `${other.target} · seed ${other.seed} ${result}` });
      if (at === chosen) button.setAttribute("aria-current", "true");
      button.addEventListener("click", () => {
        history.replaceState(null, "", `#run=${encodeURIComponent(other.id)}`);
        show(all, at);
        $("#seeds [aria-current]").focus();
      });
      return make("li", {}, button);
    }) : [];
    $("#seeds").replaceChildren(...seeds);
    $("#detail").replaceChildren(...detail(one));
    dialog.scrollTop = 0;
    if (!dialog.open) dialog.showModal();
  };
  $("#close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => {
    if (location.hash.startsWith("#run=")) history.replaceState(null, "", before || location.pathname + location.search);
  });
  main.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-runs]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    before = location.hash.startsWith("#run=") ? before : location.hash;
    history.pushState(null, "", link.getAttribute("href"));
    const all = positions(link.dataset.runs);
    show(all, all[0]);
  });

  // ---- where the address points
  const picker = $("#view");
  const current = (id) => {
    for (const view of views) view.hidden = id !== "all" && view.id !== id;
    for (const link of $$(".glance a")) {
      if (link.getAttribute("href") === `#${id}`) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    if (picker) picker.value = id;
    nameSwitches();
    boards.forEach(rove);
  };
  const follow = () => {
    let hash = location.hash.slice(1);
    try { hash = decodeURIComponent(hash); } catch { /* a lone % stands for itself */ }
    if (hash.startsWith("run=")) {
      const at = byId.get(hash.slice(4));
      if (at === undefined) { say("There is no such run on this page."); return; }
      // the run's own cell, not a mean over many
      const cells = $$("a[data-runs]").map((link) => positions(link.dataset.runs)).filter((all) => all.includes(at));
      show(cells.length ? cells.reduce((a, b) => (b.length < a.length ? b : a)) : [at], at);
      return;
    }
    if (dialog.open) dialog.close();
    const view = views.find((one) => one.id === hash);
    if (view) { current(view.id); view.focus({ preventScroll: true }); view.scrollIntoView(); }
    else if (hash === "all") current("all");
  };
  picker?.addEventListener("change", () => {
    history.replaceState(null, "", `#${picker.value}`);
    current(picker.value);
    say(`View: ${picker.selectedOptions[0].textContent}.`);
  });
  $(".tools").hidden = false;
  current(views[0].id);
  apply();
  say("");
  addEventListener("hashchange", follow);
  follow();
})();
