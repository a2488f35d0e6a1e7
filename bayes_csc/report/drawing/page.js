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
      // a number or a range is no formula, whatever its sign
      const figure = /^[+-]?[\d.,]+%?( to [+-]?[\d.,]+%?)?( \([+-]?[\d.,]+%? to [+-]?[\d.,]+%?\))?$/;
      const safe = /^'*[=+\-@\t\r]/.test(text) && !figure.test(text) ? `'${text}` : text;
      return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
    };
    const lines = [];
    let group = table.dataset.group;  // the name of a column whose texts stand in rows of their own
    for (const row of table.rows) {
      const texts = [...row.cells].map((c) => quoted(cellText(c).replace(/−/g, "-")));
      if (row.cells[0].scope === "rowgroup") group = cellText(row.cells[0]);
      else lines.push((group ? [quoted(group), ...texts] : texts).join(","));
    }
    return lines.join("\r\n") + "\r\n";
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

  // Other settings: from quantiles of the draws, kept as whole steps, each what it is more than the one before.
  const holder = document.getElementById("draws");
  const form = document.querySelector("form.what-if");
  if (!holder || !form) return;
  const kept = JSON.parse(holder.textContent);
  const [CHANGE, CHANCE] = kept.steps;
  const values = (steps, unit) => { let sum = 0; return steps.map((step) => (sum += step) * unit); };
  const along = (x, from, to) => {  // linear between points, flat beyond
    if (x <= from[0]) return to[0];
    const next = from.findIndex((f) => f >= x);
    if (next < 0) return to[to.length - 1];
    const width = from[next] - from[next - 1];
    return width ? to[next - 1] + (to[next] - to[next - 1]) * (x - from[next - 1]) / width : to[next];
  };
  const quantile = (found, level) => along(level, kept.levels, found);
  const below = (found, x) => (x < found[0] ? 0 : x > found[found.length - 1] ? 1 : along(x, found, kept.levels));
  const ends = (found, interval) => [(1 - interval) / 2, (1 + interval) / 2].map((level) => quantile(found, level));
  const signed = (value) => (Math.abs(value) < 0.005 ? "0.00" : `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`);
  const summary = (who, s) => {
    const steps = who.periods[s.horizon];
    if (!steps) return null;
    const found = values(steps, CHANGE);
    const [low, high] = ends(found, s.interval);
    return { p: below(found, -s.epsilon), low, middle: quantile(found, 0.5), high };
  };
  const sides = (who, s) => {
    if (!who.worse) return ["", ""];
    const limit = 1 / (1 + s.loss);
    const side = (steps) => {
      const [low, high] = ends(values(steps, CHANCE), s.interval);
      return low > limit ? "above" : high < limit ? "below" : "around";
    };
    const now = side(who.worse);
    return [now, now === side(who.worse_no_data) ? "no" : "yes"];
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
    const found = summary(kept, s);
    const percent = Math.round(100 * s.interval);
    const lines = [];
    if (kept.note) lines.push(`There are ${kept.note}.`);
    if (found) {
      lines.push(`A decline of more than ${s.epsilon}: of 100 authorities with figures like these, about ` +
        `${Math.round(100 * found.p)} would be expected to have declined by more than that (probability ` +
        `${found.p.toFixed(2)}). Middle estimate of the change ${signed(found.middle)}, ${percent}% interval ` +
        `${signed(found.low)} to ${signed(found.high)}.`);
      if (s.horizon === "inspection" && kept.no_data.length) {
        lines.push(`Had nothing been observed since the inspection: ${below(values(kept.no_data, CHANGE), -s.epsilon).toFixed(2)}.`);
      }
    } else {
      lines.push("There is no estimate of that period.");
    }
    if (kept.worse) {
      const [low, high] = ends(values(kept.worse, CHANCE), s.interval);
      const [level, changed] = sides(kept, s);
      lines.push(`A worse next grade${kept.of ? `, of ${kept.of}` : ""}: probability ${kept.p.toFixed(2)} (${percent}% interval ${low.toFixed(2)} to ` +
        `${high.toFixed(2)}); ${level} ` +
        `the level at which an early visit pays, ${(1 / (1 + s.loss)).toFixed(2)}. Changed by the data since the inspection: ${changed}.`);
    }
    answer.replaceChildren(...lines.map((line) => make("p", line)));
  }
  function many() {
    const s = settings();
    const chosen = kept.authorities.filter((who) => s.group === "all" || who.grade === s.group);
    const found = chosen.map((who) => summary(who, s));
    const known = found.filter(Boolean);
    const table = make("table", "", { class: "csv cards", role: "table" });
    table.append(make("caption", `${chosen.length} authorities, by name`));
    const head = make("tr", "", { role: "row" });
    const names = ["Authority", "Probability of a decline", "Change", `${Math.round(100 * s.interval)}% interval`, "Early visit pays: level", "Changed by data since"];
    names.forEach((text, i) => {
      head.append(make("th", text, { scope: "col", role: "columnheader", ...(i ? {} : { class: "text" }) }));
    });
    table.append(make("thead", "", { role: "rowgroup" }));
    table.tHead.append(head);
    const body = make("tbody", "", { role: "rowgroup" });
    const told = { above: 0, around: 0, below: 0 };
    chosen.forEach((who, i) => {
      const [level, changed] = sides(who, s);
      if (level) told[level] += 1;
      const row = make("tr", "", { role: "row" });
      const name = make("th", "", { scope: "row", role: "rowheader" });
      name.append(who.slug ? make("a", who.name, { href: `${who.slug}.html` }) : who.name);
      if (who.note) name.append(`: ${who.note}`);
      row.append(name);
      const f = found[i];
      const cells = f ? [f.p.toFixed(2), signed(f.middle), `${signed(f.low)} to ${signed(f.high)}`] : ["", "", ""];
      [...cells, level, changed].forEach((content, place) => {
        row.append(make("td", content, { role: "cell", "data-label": names[place + 1] }));
      });
      body.append(row);
    });
    table.append(body);
    const region = make("div", "", { class: "scroll", role: "region", tabindex: "0", "aria-label": "With other settings" });
    region.append(table);
    const sum = known.reduce((total, f) => total + f.p, 0);
    answer.replaceChildren(
      make("p", `About ${Math.round(sum)} of the ${known.length} with an estimate would be expected to have declined by ` +
        `more than ${s.epsilon}. The chance of a worse grade is above the level at which an early visit ` +
        `pays for ${told.above}, around it for ${told.around} and below it for ${told.below}.`),
      region,
    );
  }
  const update = kept.kind === "overview" ? many : one;
  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  update();
})();
