// The search: a form whose state is the URL, in Jaeger's own parameters, and what it finds.

import { ask, count, duration, el, hue, moment, notice } from "./dom.js";
import { summary } from "./forest.js";

const LOOKBACKS = [["5m", "5 minutes"], ["15m", "15 minutes"], ["1h", "hour"], ["6h", "6 hours"], ["12h", "12 hours"], ["24h", "24 hours"], ["2d", "2 days"], ["7d", "7 days"], ["30d", "30 days"]];
const UNITS = { m: 60e6, h: 3600e6, d: 86400e6 };

export async function search(view, parameters, go, signal) {
  const form = el("form", { class: "search" });
  const found = el("section", { class: "found", "aria-live": "polite" });
  view.replaceChildren(el("div", { class: "split" }, form, found));
  found.append(notice("Looking for services …"));
  let services;
  try {
    services = await ask("api/services", signal);
  } catch (error) {
    if (!signal.aborted) found.replaceChildren(notice(error.message, "failed"));
    return;
  }
  fill(form, services, parameters, go, signal);
  if (services.length === 0) {
    found.replaceChildren(firstSteps());
    return;
  }
  found.replaceChildren(notice("Searching …"));
  try {
    const traces = await ask(`api/traces?${question(parameters)}`, signal);
    found.replaceChildren(...results(traces, parameters, go));
  } catch (error) {
    if (!signal.aborted) found.replaceChildren(notice(error.message, "failed"));
  }
}

function fill(form, services, parameters, go, signal) {
  const text = (name, label, placeholder) =>
    el("label", {}, label, el("input", { name, value: parameters.get(name) ?? "", placeholder, autocomplete: "off", spellcheck: "false" }));
  const choice = (name, options, chosen) =>
    el("select", { name }, options.map(([value, label]) => el("option", { value, selected: value === chosen }, label)));
  const service = choice("service", [["", "All services"], ...services.map((name) => [name, name])], parameters.get("service") ?? "");
  const operation = choice("operation", [["", "All operations"]], "");
  const operations = async (chosen) => {
    operation.replaceChildren(el("option", { value: "" }, "All operations"));
    operation.disabled = service.value === "";
    if (operation.disabled) return;
    try {
      const names = (await ask(`api/services/${encodeURIComponent(service.value)}/operations`, signal)) ?? [];
      operation.append(...names.map((name) => el("option", { value: name, selected: name === chosen }, name)));
    } catch (error) {
      operation.append(el("option", { disabled: true }, error.message));
    }
  };
  service.addEventListener("change", () => operations(""));
  operations(parameters.get("operation") ?? "");
  const tags = el("input", { name: "tags", value: words(parameters), placeholder: "error=true http.response.status_code=500", autocomplete: "off", spellcheck: "false" });
  const lookback = parameters.get("lookback") ?? "1h";
  const lookbacks = LOOKBACKS.some(([value]) => value === lookback) ? LOOKBACKS : [...LOOKBACKS, [lookback, lookback]];
  form.append(
    el("label", {}, "Service", service),
    el("label", {}, "Operation", operation),
    el("label", {}, "Tags", tags),
    el("div", { class: "pair" }, text("minDuration", "At least", "100ms"), text("maxDuration", "At most", "2s")),
    el("div", { class: "pair" },
      el("label", {}, "Within the last", choice("lookback", lookbacks, lookback)),
      el("label", {}, "Limit", el("input", { name: "limit", type: "number", min: "1", max: "1500", value: parameters.get("limit") ?? "20" }))),
    el("button", {}, "Find traces"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const next = new URLSearchParams();
    for (const [name, value] of new FormData(form)) {
      if (name === "tags" ? value.trim() : value) next.set(name, name === "tags" ? JSON.stringify(pairs(value)) : value);
    }
    go(`search?${next}`);
  });
}

/** Returns the API's parameters: those of the URL, and a window where it has none. */
function question(parameters) {
  const asked = new URLSearchParams(parameters);
  asked.delete("lookback");
  if (!asked.get("limit")) asked.set("limit", "20");
  if (!parameters.get("start")) {
    const [, number, unit] = /^(\d+)([mhd])$/.exec(parameters.get("lookback") ?? "1h") ?? [, "1", "h"];
    const now = Date.now() * 1000;
    asked.set("start", String(Math.max(0, now - number * UNITS[unit])));
    // Clocks of senders run ahead: what is a minute in the future is shown, too.
    if (!asked.get("end")) asked.set("end", String(now + 60e6));
  }
  return asked;
}

/** Reads `key=value "quoted key"="quoted value"`. */
function pairs(text) {
  const read = {};
  const quoted = String.raw`"(?:[^"\\]|\\.)*"`;
  const plain = (word) => (word.startsWith('"') ? word.slice(1, -1).replace(/\\(.)/g, "$1") : word);
  for (const [, key, value] of text.matchAll(new RegExp(`(${quoted}|[^\\s=]+)=(${quoted}|\\S*)`, "g"))) read[plain(key)] = plain(value);
  return read;
}

function words(parameters) {
  const all = parameters.getAll("tag").map((tag) => [tag.slice(0, tag.indexOf(":")), tag.slice(tag.indexOf(":") + 1)]);
  for (const json of parameters.getAll("tags")) {
    try {
      all.push(...Object.entries(JSON.parse(json)));
    } catch {
      // The API will say what is wrong with it.
    }
  }
  const word = (text) => (/[\s"=]/.test(text) || text === "" ? `"${String(text).replace(/["\\]/g, "\\$&")}"` : text);
  return all.map(([key, value]) => `${word(key)}=${word(String(value))}`).join(" ");
}

function results(traces, parameters, go) {
  if (traces.length === 0) {
    return [notice("No trace matches. Look further back, or ask for less.")];
  }
  const rows = traces.map(summary);
  const longest = Math.max(1, ...rows.map((row) => row.duration));
  const sorted = parameters.get("sort") === "longest" ? rows.sort((a, b) => b.duration - a.duration) : rows;
  const by = (sort, label) => {
    const next = new URLSearchParams(parameters);
    if (sort) next.set("sort", sort);
    else next.delete("sort");
    return el("a", { href: `search?${next}`, "aria-current": (parameters.get("sort") ?? "") === sort ? "true" : null }, label);
  };
  return [
    el("div", { class: "heading" }, el("h1", {}, count(rows.length, "trace")), el("span", { class: "sorts" }, by("", "newest first"), by("longest", "longest first"))),
    el("ol", { class: "traces" }, sorted.map((row) => line(row, longest, go))),
  ];
}

function line(row, longest) {
  const bar = el("span", { class: "share" });
  bar.style.width = `${Math.max(0.3, (100 * row.duration) / longest)}%`;
  return el("li", { class: row.errors ? "with-errors" : "" },
    el("a", { href: `trace/${row.id}` },
      el("span", { class: "name" }, el("b", {}, row.service), ` ${row.name}`),
      el("span", { class: "took" }, duration(row.duration)),
      el("span", { class: "track" }, bar),
      el("span", { class: "about" },
        moment(row.start), " · ", count(row.spans, "span"),
        row.errors ? el("span", { class: "error" }, ` · ${count(row.errors, "error")}`) : null, " · ",
        el("code", {}, row.id.slice(0, 8))),
      el("span", { class: "services" }, row.services.map(badge))));
}

export function badge(service) {
  const node = el("span", { class: "badge" }, `${service.name} ${service.spans}`);
  node.style.setProperty("--hue", hue(service.name));
  return node;
}

function firstSteps() {
  const host = location.hostname || "localhost";
  return el("div", { class: "notice" },
    el("h1", {}, "Nothing has arrived yet"),
    el("p", {}, "Send traces here with whatever sends them now:"),
    el("ul", {},
      el("li", {}, "OpenTelemetry: ", el("code", {}, `OTEL_EXPORTER_OTLP_ENDPOINT=http://${host}:4318`), " (gRPC on 4317)"),
      el("li", {}, "Jaeger clients: UDP 6831 and 6832, HTTP 14268, gRPC 14250"),
      el("li", {}, "Zipkin: ", el("code", {}, `http://${host}:9411/api/v2/spans`)),
      el("li", {}, "Nothing at hand? ", el("code", {}, "tracewell generate"), " sends a shop's traffic.")));
}
