// The report's only script: sorting and filtering of tables, CSV downloads, tooltips and the panel of other settings.
"use strict";
(() => {
  const make = (tag, text, attributes = {}) => {
    const element = document.createElement(tag);
    if (text) element.textContent = text;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const cellText = (cell) => (cell.dataset.value ?? cell.textContent).trim();
  const asNumber = (text) => (text === "" ? NaN : Number(text.replace(/−/g, "-").replace(/[+,%]/g, "").split(" ")[0]));
  const caption = (table) => table.caption ? table.caption.textContent : "table";

  // Tables: a button in each heading sorts, a field above filters, a button saves.
  function sortBy(table, column, button) {
    const heading = button.closest("th");
    const up = heading.getAttribute("aria-sort") !== "ascending";
    table.querySelectorAll("thead th").forEach((th) => th.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", up ? "ascending" : "descending");
    const body = table.tBodies[0];
    const keyed = [...body.rows].map((row) => [cellText(row.cells[column]), row]);
    const numeric = keyed.some(([t]) => t !== "") && keyed.every(([t]) => t === "" || !Number.isNaN(asNumber(t)));
    keyed.sort(([a], [b]) => {
      if (a === "" || b === "") return (a === "") - (b === "");
      const order = numeric ? asNumber(a) - asNumber(b) : a.localeCompare(b, "en-GB");
      return up ? order : -order;
    });
    body.append(...keyed.map(([, row]) => row));
  }
  function sortable(table, number) {
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      const button = make("button", heading.textContent, { type: "button" });
      heading.replaceChildren(button);
      button.addEventListener("click", () => sortBy(table, column, button));
    });
    const label = make("label", "Filter: ", { class: "filter" });
    const field = make("input", "", { type: "search", name: `filter-${number}` });
    const count = make("span", "", { role: "status", class: "muted" });
    label.append(field);
    field.addEventListener("input", () => {
      const wanted = field.value.toLocaleLowerCase("en-GB");
      const rows = [...table.tBodies[0].rows];
      rows.forEach((row) => { row.hidden = !row.textContent.toLocaleLowerCase("en-GB").includes(wanted); });
      count.textContent = ` ${rows.filter((row) => !row.hidden).length} of ${rows.length} rows`;
    });
    const bar = make("div", "", { class: "tools" });
    bar.append(label, count);
    table.closest(".scroll").before(bar);
  }
  function csv(table) {
    const quoted = (text) => {
      const safe = /^[=+@\t]/.test(text) && Number.isNaN(asNumber(text)) ? `'${text}` : text;
      return /[",\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
    };
    return [...table.rows].map((row) => [...row.cells].map((c) => quoted(cellText(c).replace(/−/g, "-"))).join(","))
      .join("\r\n") + "\r\n";
  }
  function downloadable(table) {
    const button = make("button", "Download as CSV", { type: "button", "aria-label": `Download as CSV: ${caption(table)}` });
    button.addEventListener("click", () => {
      const url = URL.createObjectURL(new Blob(["\ufeff", csv(table)], { type: "text/csv" }));
      const name = caption(table).toLowerCase().replace(/[^a-z0-9]+/g, "-").slice(0, 60);
      const link = make("a", "", { href: url, download: `${name}.csv` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 1000);
    });
    const bar = make("div", "", { class: "tools" });
    bar.append(button);
    table.closest(".scroll").before(bar);
  }
  document.querySelectorAll("table.sortable").forEach(sortable);
  document.querySelectorAll("table.csv, table.sortable").forEach(downloadable);

  // Tooltips: for the pointer; the tables behind the charts are for everybody.
  const tip = make("div", "", { class: "tip", "aria-hidden": "true" });
  tip.hidden = true;
  document.body.append(tip);
  document.addEventListener("mousemove", (event) => {
    const over = event.target instanceof Element ? event.target.closest("[data-tip]") : null;
    tip.hidden = !over;
    if (!over) return;
    tip.textContent = over.dataset.tip;
    const left = Math.min(event.clientX + 14, document.documentElement.clientWidth - tip.offsetWidth - 4);
    tip.style.left = `${Math.max(4, left)}px`;
    tip.style.top = `${Math.min(event.clientY + 16, window.innerHeight - tip.offsetHeight - 4)}px`;
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hidden = true; });

  // Other settings: from draws, each a normal distribution given the hyperparameters, or a sampled path.
  const holder = document.getElementById("draws");
  const form = document.querySelector("form.what-if");
  if (!holder || !form) return;
  const draws = JSON.parse(holder.textContent);
  const cdf = (z) => {  // Abramowitz and Stegun 7.1.26
    const t = 1 / (1 + 0.3275911 * Math.abs(z) / Math.SQRT2);
    const tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    const p = 1 - tail * Math.exp(-z * z / 2);
    return z >= 0 ? (1 + p) / 2 : (1 - p) / 2;
  };
  const mean = (values) => values.reduce((sum, v) => sum + v, 0) / values.length;
  const below = (moments, x) => mean(moments.map(([m, s]) => cdf((x - m) / s)));
  const quantile = (moments, level) => {
    let low = Math.min(...moments.map(([m, s]) => m - 9 * s));
    let high = Math.max(...moments.map(([m, s]) => m + 9 * s));
    for (let i = 0; i < 40; i += 1) {
      const middle = (low + high) / 2;
      if (below(moments, middle) < level) low = middle; else high = middle;
    }
    return (low + high) / 2;
  };
  const ofDraws = (values, level) => {
    const sorted = [...values].sort((a, b) => a - b);
    const at = level * (sorted.length - 1);
    const first = Math.floor(at);
    return sorted[first] + (at - first) * ((sorted[first + 1] ?? sorted[first]) - sorted[first]);
  };
  const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;
  const changes = (who, horizon) => {
    if (horizon === "inspection") return { moments: who.since };
    if (who.recent) return { moments: who.recent };
    const back = Number(horizon);
    const known = who.paths.filter((p) => p.length > back && p[p.length - 1 - back] !== null && p[p.length - 1] !== null);
    return { values: known.map((p) => p[p.length - 1] - p[p.length - 1 - back]) };
  };
  const summary = (found, epsilon, interval) => {
    const tail = (1 - interval) / 2;
    if (found.moments && found.moments.length) {
      const ends = [tail, 0.5, 1 - tail].map((level) => quantile(found.moments, level));
      return { p: below(found.moments, -epsilon), ends };
    }
    if (found.values && found.values.length) {
      const ends = [tail, 0.5, 1 - tail].map((level) => ofDraws(found.values, level));
      return { p: mean(found.values.map((v) => (v < -epsilon ? 1 : 0))), ends };
    }
    return null;
  };
  const decide = (who, interval, loss) => {
    if (!who.worse) return "";
    const limit = 1 / (1 + loss);
    const side = (values) => {
      const [low, high] = [(1 - interval) / 2, (1 + interval) / 2].map((level) => ofDraws(values, level));
      return (low > limit) - (high < limit);
    };
    const now = side(who.worse);
    if (now === 0 || now === side(who.worse_no_data)) return "cannot tell";
    return now > 0 ? "flag" : "watch";
  };
  const settings = () => {
    const value = (name) => form.elements[name] ? form.elements[name].value : "";
    return {
      epsilon: Math.max(0, Number(value("epsilon")) || 0),
      interval: Math.min(0.99, Math.max(0.5, (Number(value("interval")) || 89) / 100)),
      loss: Math.max(0.01, Number(value("loss")) || 4),
      horizon: value("horizon"),
      group: value("group"),
    };
  };
  const answer = form.querySelector(".answer");
  function one() {
    const s = settings();
    const found = summary(changes(draws, s.horizon), s.epsilon, s.interval);
    const lines = [];
    if (found) {
      const [low, middle, high] = found.ends.map(signed);
      lines.push(`A decline of more than ${s.epsilon}: of 100 authorities with figures like these, about ` +
        `${Math.round(100 * found.p)} would be expected to have declined by more than that (probability ` +
        `${found.p.toFixed(2)}). Middle estimate of the change ${middle}, ${Math.round(100 * s.interval)}% interval ` +
        `${low} to ${high}.`);
      if (s.horizon === "inspection" && draws.no_data.length) {
        lines.push(`Had nothing been observed since the inspection: ${below(draws.no_data, -s.epsilon).toFixed(2)}.`);
      }
    } else {
      lines.push("There is no estimate of that period.");
    }
    if (draws.worse) {
      const [low, high] = [(1 - s.interval) / 2, (1 + s.interval) / 2].map((level) => ofDraws(draws.worse, level));
      lines.push(`A worse next grade: probability ${draws.p.toFixed(2)} (${Math.round(100 * s.interval)}% interval ` +
        `${low.toFixed(2)} to ${high.toFixed(2)}); threshold ${(1 / (1 + s.loss)).toFixed(2)}: ` +
        `${decide(draws, s.interval, s.loss)}.`);
    }
    answer.replaceChildren(...lines.map((line) => make("p", line)));
  }
  function many() {
    const s = settings();
    const chosen = draws.authorities.filter((who) => s.group === "all" || who.grade === s.group);
    const table = make("table", "", { class: "csv" });
    table.append(make("caption", `${chosen.length} authorities, by name`));
    const head = make("tr");
    ["Authority", "Probability of a decline", "Change", "Interval", "Decision"].forEach((text, i) => {
      head.append(make("th", text, i ? { scope: "col" } : { scope: "col", class: "text" }));
    });
    table.append(make("thead"));
    table.tHead.append(head);
    const body = make("tbody");
    const told = { flag: 0, watch: 0, "cannot tell": 0 };
    chosen.forEach((who) => {
      const found = summary(changes(who, s.horizon), s.epsilon, s.interval);
      const decision = decide(who, s.interval, s.loss);
      if (decision) told[decision] += 1;
      const row = make("tr");
      const name = make("th", "", { scope: "row" });
      name.append(who.slug ? make("a", who.name, { href: `${who.slug}.html` }) : who.name);
      row.append(name);
      const cells = found ? [found.p.toFixed(2), signed(found.ends[1]), `${signed(found.ends[0])} to ${signed(found.ends[2])}`]
        : ["", "", ""];
      [...cells, decision].forEach((text) => row.append(make("td", text)));
      body.append(row);
    });
    table.append(body);
    const region = make("div", "", { class: "scroll", role: "region", tabindex: "0", "aria-label": "With other settings" });
    region.append(table);
    answer.replaceChildren(make("p", `${told.flag} flagged, ${told.watch} to watch, ${told["cannot tell"]} cannot tell.`), region);
  }
  const update = draws.kind === "overview" ? many : one;
  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  update();
})();
