// Elements, texts and the API: what every view needs. All text goes in as text, never as markup.

/** Makes an element. Attributes that are functions are listeners; children may be texts or nodes. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Asks the API. Throws an Error with the API's own words. */
export async function ask(path, signal) {
  const reply = await fetch(path, { signal });
  const text = await reply.text();
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    throw new Error(reply.ok ? "The answer was cut short; try again." : text.trim() || reply.statusText);
  }
  if (!reply.ok) throw new Error(body.errors?.[0]?.msg ?? reply.statusText);
  return body.data;
}

/** Writes microseconds for people: three digits that matter. */
export function duration(micros) {
  if (micros < 1000) return `${micros} µs`;
  if (micros < 1e6) return `${digits(micros / 1e3)} ms`;
  if (micros < 6e7) return `${digits(micros / 1e6)} s`;
  const minutes = Math.floor(micros / 6e7);
  if (minutes < 60) return `${minutes} min ${Math.round((micros % 6e7) / 1e6)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function digits(number) {
  return number < 10 ? number.toFixed(2) : number < 100 ? number.toFixed(1) : number.toFixed(0);
}

/** Writes a point in time, to the millisecond. */
export function moment(micros) {
  const date = new Date(micros / 1000);
  if (Number.isNaN(date.getTime())) return "—";
  const pad = (number, width = 2) => String(number).padStart(width, "0");
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}.${pad(date.getMilliseconds(), 3)}`;
}

export function count(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

/** Returns a hue for a service: the same everywhere, far from red, which means an error. */
export function hue(service) {
  let hash = 0x811c9dc5;
  for (const letter of service) hash = Math.imul(hash ^ letter.codePointAt(0), 0x01000193) >>> 0;
  // Steps of the golden ratio lie far apart.
  return Math.round(40 + 290 * ((hash * 0.618033988749895) % 1));
}

/** Shows a line that is not an answer: waiting, empty, failed. */
export function notice(text, kind = "") {
  return el("p", { class: `notice ${kind}`, role: kind === "failed" ? "alert" : "status" }, text);
}

/** Tells whether a span failed, in any client's way of saying so. */
export function failed(span) {
  return span.tags.some(({ key, value }) => key === "error" && (value === true || String(value).toLowerCase() === "true"));
}
