"use strict";
const about = JSON.parse(document.getElementById("about").textContent);
const $ = (id) => document.getElementById(id);
const [rows, columns] = about.shape;
// Edges of the region in arcsec; a region that follows the Sun's rotation has its own in each frame.
let [left, right, bottom, upper] = about.frames[0].extent;
const pixel = about.pixel * about.factor;
const SATURATED = 0x8000;
const MARGIN = { left: 56, right: 84, top: 8, bottom: 44 };
const state = { index: 0, playing: false, timer: 0, zoom: 1, x: 0, y: 0, probe: null };

// ---- values: codes of asinh(brightness), see the note on precision in the page

const values = new Float32Array(about.codes);
for (let code = 1; code < about.codes; code++) values[code] = about.soft * Math.sinh((code - 1 + about.first) * about.step);
values[0] = NaN;

const cache = new Map();

function codesOf(index) {
  if (!cache.has(index)) cache.set(index, unpack($("frame" + index).textContent));
  return cache.get(index);
}

async function unpack(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const codes = new Uint16Array(rows * columns);
  for (let i = 0; i < codes.length; i++) codes[i] = bytes[i] | (bytes[codes.length + i] << 8);
  return codes;
}

// ---- brightness scale

function stretched(value) {
  const low = Number($("low").value), high = Number($("high").value);
  const part = Math.min(1, Math.max(0, (value - low) / (high - low)));
  switch ($("stretch").value) {
    case "asinh": return Math.asinh(part * 100) / Math.asinh(100);
    case "log": return Math.log1p(part * 1000) / Math.log(1001);
    case "power": return part ** about.power;
    default: return part;
  }
}

const packColour = ([red, green, blue]) => (255 << 24) | (blue << 16) | (green << 8) | red;
const palette = about.colours.map(packColour);
const MISSING = packColour([158, 158, 158]);
const HOT = packColour(about.saturated);
const lookup = new Int32Array(about.codes);

function buildLookup() {
  for (let code = 1; code < about.codes; code++) lookup[code] = palette[Math.round(255 * stretched(values[code]))];
  lookup[0] = MISSING;
}

// ---- image

const canvas = $("image");
const context = canvas.getContext("2d");
const buffer = document.createElement("canvas");
buffer.width = columns;
buffer.height = rows;
const bufferContext = buffer.getContext("2d");
const raster = bufferContext.createImageData(columns, rows);
const words = new Int32Array(raster.data.buffer);

function paint(codes) {
  for (let row = 0; row < rows; row++) {
    let target = (rows - 1 - row) * columns;
    for (let i = row * columns, end = i + columns; i < end; i++, target++) {
      words[target] = codes[i] & SATURATED ? HOT : lookup[codes[i]];
    }
  }
  bufferContext.putImageData(raster, 0, 0);
}

function size() {
  const width = canvas.clientWidth;
  const wide = width - MARGIN.left - MARGIN.right;
  return { width, wide, high: Math.min(wide * rows / columns, 900) };
}

// The image is as large as fits; state.zoom enlarges it, state.x and state.y shift it (fractions of its sides).
function geometry() {
  const { width, wide, high } = size();
  const fit = Math.min(wide / columns, high / rows);
  const scale = fit * state.zoom;
  const limitX = Math.max(0, 1 - wide / (columns * scale)), limitY = Math.max(0, 1 - high / (rows * scale));
  state.x = Math.min(Math.max(state.x, 0), limitX);
  state.y = Math.min(Math.max(state.y, 0), limitY);
  return { width, wide, high, scale, x0: MARGIN.left - state.x * columns * scale, y0: MARGIN.top - state.y * rows * scale };
}

function draw() {
  const view = geometry();
  const ratio = window.devicePixelRatio || 1;
  const height = view.high + MARGIN.top + MARGIN.bottom;
  canvas.style.height = height + "px";
  canvas.width = Math.round(view.width * ratio);
  canvas.height = Math.round(height * ratio);
  const ink = getComputedStyle(document.body).color;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.save();
  context.beginPath();
  context.rect(MARGIN.left, MARGIN.top, view.wide, view.high);
  context.clip();
  context.imageSmoothingEnabled = view.scale * ratio < 1;
  context.drawImage(buffer, view.x0, view.y0, columns * view.scale, rows * view.scale);
  drawOverlay(view);
  context.restore();
  context.strokeStyle = ink;
  context.lineWidth = 1;
  context.strokeRect(MARGIN.left, MARGIN.top, view.wide, view.high);
  drawAxes(view, ink);
  drawScale(view, ink);
}

const toX = (view, arcsec) => view.x0 + (arcsec - left) / pixel * view.scale;
const toY = (view, arcsec) => view.y0 + (rows - (arcsec - bottom) / pixel) * view.scale;

function drawOverlay(view) {
  context.lineWidth = 1;
  const radius = about.frames[state.index].rsun;
  if ($("limb").checked && radius) {
    context.strokeStyle = "rgba(255,255,255,0.75)";
    context.beginPath();
    context.arc(toX(view, 0), toY(view, 0), radius / pixel * view.scale, 0, 2 * Math.PI);
    context.stroke();
  }
  if (state.probe) {
    const x = view.x0 + (state.probe.column + 0.5) * view.scale, y = view.y0 + (rows - state.probe.row - 0.5) * view.scale;
    for (const [colour, width] of [["black", 3], ["white", 1.2]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      for (const [a, b] of [[-14, -5], [5, 14]]) {
        context.moveTo(x + a, y); context.lineTo(x + b, y);
        context.moveTo(x, y + a); context.lineTo(x, y + b);
      }
      context.stroke();
    }
  }
  if (about.synthetic) {
    context.font = "600 13px system-ui, sans-serif";
    const text = "synthetic data", wide = context.measureText(text).width + 12;
    context.fillStyle = "rgba(0,0,0,0.55)";
    context.fillRect(MARGIN.left + view.wide - wide - 6, MARGIN.top + view.high - 28, wide, 22);
    context.fillStyle = "white";
    context.textAlign = "left";
    context.textBaseline = "middle";
    context.fillText(text, MARGIN.left + view.wide - wide, MARGIN.top + view.high - 17);
  }
}

function roundStep(span, count) {
  const raw = span / count, decade = 10 ** Math.floor(Math.log10(raw));
  return decade * [1, 2, 5, 10].find((factor) => factor * decade >= raw);
}

function between(low, high, step) {
  const found = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + 1e-9 * step; n++) found.push(Number((n * step).toPrecision(12)));
  return found;
}

const minus = (text) => text.replace("-", "\u2212");

function drawAxes(view, ink) {
  context.fillStyle = context.strokeStyle = ink;
  context.font = "12px system-ui, sans-serif";
  const low = MARGIN.top + view.high, x = (at) => left + (at - view.x0) / view.scale * pixel;
  const y = (at) => bottom + (rows - (at - view.y0) / view.scale) * pixel;
  const [x0, x1, y0, y1] = [x(MARGIN.left), x(MARGIN.left + view.wide), y(low), y(MARGIN.top)];
  context.beginPath();
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const value of between(x0, x1, roundStep(x1 - x0, view.wide / 90))) {
    const at = toX(view, value);
    context.moveTo(at, low); context.lineTo(at, low + 4);
    context.fillText(minus(String(value)), at, low + 7);
  }
  context.fillText("Solar X (arcsec)", MARGIN.left + view.wide / 2, low + 25);
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const value of between(y0, y1, roundStep(y1 - y0, view.high / 70))) {
    const at = toY(view, value);
    context.moveTo(MARGIN.left, at); context.lineTo(MARGIN.left - 4, at);
    context.fillText(minus(String(value)), MARGIN.left - 7, at);
  }
  context.stroke();
  sideways("Solar Y (arcsec)", 10, MARGIN.top + view.high / 2);
}

function sideways(text, x, y) {
  context.save();
  context.translate(x, y);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(text, 0, 0);
  context.restore();
}

function drawScale(view, ink) {
  const x = MARGIN.left + view.wide + 10, high = view.high, low = Number($("low").value), top = Number($("high").value);
  for (let line = 0; line < high; line++) {
    const [red, green, blue] = about.colours[Math.round(255 * (1 - line / high))];
    context.fillStyle = `rgb(${red},${green},${blue})`;
    context.fillRect(x, MARGIN.top + line, 14, 1.5);
  }
  context.strokeStyle = context.fillStyle = ink;
  context.strokeRect(x, MARGIN.top, 14, high);
  context.textAlign = "left";
  context.textBaseline = "middle";
  const taken = [];
  const candidates = [0];
  for (const factor of [1, 5, 2]) for (let power = -2; power < 8; power++) candidates.push(factor * 10 ** power);
  const label = (value) => {
    const at = MARGIN.top + high * (1 - stretched(value));
    if (value < low || value > top || taken.some((other) => Math.abs(other - at) < 22)) return;
    taken.push(at);
    context.fillText(grouped(String(Number(value.toPrecision(12)))), x + 18, at);
  };
  candidates.forEach(label);
  // A narrow range between 1, 2 and 5 is labelled in even steps, coarse ones first.
  if (taken.length < 3) for (const count of [2, 4, 8, 16]) between(low, top, roundStep(top - low, count)).forEach(label);
  sideways("DN/s per pixel", x + 66, MARGIN.top + high / 2);
}

// ---- words

// Pixels are stored to a thousandth, means of the region with six digits.
const PIXEL_DIGITS = 4, MEAN_DIGITS = 6;
const group = (value, digits) => grouped(String(Number(value.toPrecision(digits))));

function grouped(text) {
  const [whole, part] = text.split(".");
  return minus(whole.replace(/\B(?=(\d{3})+$)/g, "\u2009") + (part ? "." + part : ""));
}

const clockOf = (time) => time.replace("T", " ").replace("Z", "").replace(/(\.\d\d)\d*$/, "$1");

function describe(row, column, codes) {
  const code = codes[row * columns + column], value = values[code & 0x7fff];
  const x = left + (column + 0.5) * pixel, y = bottom + (row + 0.5) * pixel;
  const brightness = Number.isNaN(value) ? "missing" : group(value, PIXEL_DIGITS) + " DN/s";
  return { x, y, value, text: `${brightness}${code & SATURATED ? " (saturated)" : ""}` };
}

function pixelAt(event) {
  const view = geometry(), box = canvas.getBoundingClientRect();
  const x = event.clientX - box.left, y = event.clientY - box.top;
  if (x < MARGIN.left || x > MARGIN.left + view.wide || y < MARGIN.top || y > MARGIN.top + view.high) return null;
  const column = Math.floor((x - view.x0) / view.scale), row = rows - 1 - Math.floor((y - view.y0) / view.scale);
  return column >= 0 && column < columns && row >= 0 && row < rows ? { row, column } : null;
}

let pointer = null;

async function showReadout() {
  const index = state.index, codes = await codesOf(index);
  if (index !== state.index) return;
  const hover = pointer && describe(pointer.row, pointer.column, codes);
  $("readout").textContent = hover
    ? `x ${minus(hover.x.toFixed(1))}″, y ${minus(hover.y.toFixed(1))}″: ${hover.text}`
    : "Point at the image for values; click to pin a pixel.";
  $("readout").dataset.value = hover ? String(hover.value) : "";
  if (!state.probe) { $("probe-value").textContent = ""; return; }
  const pinned = describe(state.probe.row, state.probe.column, codes);
  $("probe-value").textContent = pinned.text;
  $("probe-value").dataset.value = String(pinned.value);
}

// ---- frames

let ticket = 0;

async function show(index, announce = true) {
  state.index = Math.min(Math.max(index, 0), about.frames.length - 1);
  const frame = about.frames[state.index], mine = ++ticket;
  $("slider").value = state.index;
  const text = `Frame ${state.index + 1} of ${about.frames.length}, ${clockOf(frame.time)} UTC, exposure ${frame.exposure.toFixed(3)} s`;
  $("slider").setAttribute("aria-valuetext", text);
  const codes = await codesOf(state.index);
  if (mine !== ticket) return;
  [left, right, bottom, upper] = frame.extent;
  paint(codes);
  draw();
  $("clock").replaceChildren(`${clockOf(frame.time)} UTC`, small(`frame ${state.index + 1} of ${about.frames.length}, exposure ${frame.exposure.toFixed(3)} s`));
  canvas.setAttribute("aria-label", `${about.name}. ${text}`);
  document.body.dataset.frame = state.index;
  if (announce) $("status").textContent = text;
  moveCursors();
  markRow();
  await showReadout();
  if (state.index + 1 < about.frames.length) codesOf(state.index + 1);
}

function small(text) {
  const element = document.createElement("small");
  element.textContent = text;
  return element;
}

function play(on) {
  state.playing = on;
  clearTimeout(state.timer);
  $("play").textContent = on ? "Pause" : "Play";
  $("play").setAttribute("aria-pressed", String(on));
  if (on) advance();
}

async function advance() {
  const started = performance.now();
  await show((state.index + 1) % about.frames.length, false);
  if (!state.playing) return;
  const wait = 1000 / Number($("speed").value) - (performance.now() - started);
  state.timer = setTimeout(advance, Math.max(0, wait));
}

function step(by) {
  play(false);
  show(state.index + by);
}

// ---- light curves

const SVG = "http://www.w3.org/2000/svg";
// Times are seconds of TAI since 1977, for a Date has no leap second: the steps say from when on UTC lies how far behind.
const EPOCH = Date.UTC(1977, 0, 1) / 1000;
const stepAt = (tai) => about.leapSteps.findLast(([begin]) => tai >= begin - 1);
const taiOf = (utc) => utc + about.leapSteps.findLast(([begin, offset]) => utc + offset >= begin)[1];
const curveTimes = about.curve.map((point) => point.tai);
const frameTimes = about.frames.map((frame) => frame.tai);
const frameOfPoint = new Map(about.indices.map((index, frame) => [index, frame]));
const cursors = [];

function utcText(tai) {
  const [begin, offset] = stepAt(tai);
  const text = new Date((tai - offset + EPOCH) * 1000).toISOString();
  return tai < begin ? text.replace(/59(?=\.)/, "60") : text;
}

function add(parent, name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  parent.append(element);
  return element;
}

function median(list) {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function chart(svg, times, points, unit, digits) {
  svg.replaceChildren();
  const t0 = curveTimes[0], t1 = curveTimes[curveTimes.length - 1], span = t1 - t0 || 1;
  const marks = [...Object.entries(about.marks), ...(about.peak ? [["peak", about.peak]] : [])]
    .filter(([, at]) => at >= t0 && at <= t1).sort((a, b) => a[1] - b[1]);
  const width = svg.clientWidth || 800, height = 170;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const known = points.map((point) => point.value).filter((value) => value !== null && Number.isFinite(value));
  if (!known.length) return;
  const low = Math.min(...known), high = Math.max(...known), room = (high - low || Math.abs(high) || 1) * 0.08;
  // As many decimals as the distance of two rungs asks for, so that no two have one label.
  const rung = roundStep(high - low + 2 * room, 4), decimals = Math.max(0, Math.ceil(-Math.log10(rung) - 1e-9));
  const rungs = between(low - room, high + room, rung).map((value) => [value, grouped(value.toFixed(decimals))]);
  const longest = Math.max(...rungs.map(([, text]) => text.length));
  // Names of marks stand above the curve, the unit beside the longest label.
  const box = { left: Math.max(70, 28 + 7 * longest), right: 14, top: 10 + 12 * Math.min(marks.length, 4), bottom: 36 };
  const x = (time) => box.left + 6 + (time - t0) / span * (width - box.left - box.right - 12);
  const y = (value) => height - box.bottom - (value - low + room) / (high - low + 2 * room) * (height - box.top - box.bottom);
  add(svg, "path", { class: "axis", d: `M${box.left} ${box.top}V${height - box.bottom}H${width - box.right}` });
  for (const [value, text] of rungs) add(svg, "text", { x: box.left - 6, y: y(value) + 4, "text-anchor": "end" }, text);
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 432000];
  const every = steps.find((size) => size >= span / (width / 110)) || 864000;
  for (const utc of between(t0 - stepAt(t0)[1], t1 - stepAt(t1)[1], every)) {
    const time = taiOf(utc), text = utcText(time);
    const label = every < 86400 ? text.slice(11, every < 60 ? 19 : 16) : text.slice(5, 10);
    add(svg, "text", { x: x(time), y: height - box.bottom + 15, "text-anchor": "middle" }, label);
    add(svg, "path", { class: "axis", d: `M${x(time)} ${height - box.bottom}v4` });
  }
  add(svg, "text", { x: (box.left + width) / 2, y: height - 4, "text-anchor": "middle" }, `Time (UTC), from ${about.curve[0].time.slice(0, 10)}`);
  const label = add(svg, "text", { "text-anchor": "middle", transform: `translate(13 ${(height - box.bottom + box.top) / 2}) rotate(-90)` }, unit);
  label.classList.add("unit");
  marks.forEach(([name, at], line) => {
    const late = x(at) > width - 150;
    add(svg, "path", { class: "mark", d: `M${x(at)} ${4 + 12 * (line % 4)}V${height - box.bottom}` });
    add(svg, "text", { x: x(at) + (late ? -4 : 4), y: 12 + 12 * (line % 4), "text-anchor": late ? "end" : "start" },
      `${name} ${utcText(Math.round(at)).slice(11, 19)}`);
  });
  const gap = 2.5 * median(times.slice(1).map((time, i) => time - times[i]));
  let path = "";
  points.forEach((point, i) => {
    if (point.value === null || !Number.isFinite(point.value)) return;
    const joined = path && times[i] - times[i - 1] <= gap && Number.isFinite(points[i - 1].value ?? NaN);
    path += `${joined ? "L" : "M"}${x(times[i]).toFixed(1)} ${y(point.value).toFixed(1)}`;
    if (point.error) add(svg, "path", { class: "error", d: `M${x(times[i])} ${y(point.value - point.error)}V${y(point.value + point.error)}` });
    const dot = add(svg, "circle", { class: "dot", cx: x(times[i]), cy: y(point.value), r: points.length > 100 ? 1.4 : 2.6 });
    add(dot, "title", {}, `${clockOf(point.time)}: ${group(point.value, digits)} DN/s`);
    if (point.hot) add(svg, "circle", { class: "hot", cx: x(times[i]), cy: y(point.value), r: 5 });
  });
  add(svg, "path", { class: "line", d: path });
  const cursor = add(svg, "path", { class: "cursor" });
  cursors.push(() => cursor.setAttribute("d", `M${x(frameTimes[state.index])} ${box.top}V${height - box.bottom}`));
  svg.onclick = (event) => {
    const bounds = svg.getBoundingClientRect();
    const time = t0 + ((event.clientX - bounds.left) * width / bounds.width - box.left - 6) / (width - box.left - box.right - 12) * span;
    const distance = frameTimes.map((frame) => Math.abs(frame - time));
    play(false);
    show(distance.indexOf(Math.min(...distance)));
  };
}

function moveCursors() {
  for (const move of cursors) move();
}

async function drawCharts() {
  cursors.length = 0;
  chart($("curve"), curveTimes, about.curve.map((point) => ({ ...point, value: point.mean, hot: point.saturated > 0 })), "Mean (DN/s)", MEAN_DIGITS);
  $("history-box").hidden = !state.probe;
  if (state.probe) {
    const { row, column } = state.probe;
    const points = await Promise.all(about.frames.map(async (frame, index) => {
      const code = (await codesOf(index))[row * columns + column];
      return { time: frame.time, value: values[code & 0x7fff], hot: Boolean(code & SATURATED) };
    }));
    if (!state.probe || state.probe.row !== row || state.probe.column !== column) return;
    const x = left + (column + 0.5) * pixel, y = bottom + (row + 0.5) * pixel;
    $("history-title").textContent = `History of the pixel at x ${minus(x.toFixed(1))}″, y ${minus(y.toFixed(1))}″`;
    chart($("history"), frameTimes, points, "DN/s", PIXEL_DIGITS);
  }
  moveCursors();
}

function pin(probe) {
  state.probe = probe;
  $("probe-x").value = probe ? (left + (probe.column + 0.5) * pixel).toFixed(1) : "";
  $("probe-y").value = probe ? (bottom + (probe.row + 0.5) * pixel).toFixed(1) : "";
  draw();
  showReadout();
  drawCharts();
}

function pinTyped() {
  if ($("probe-x").value === "" || $("probe-y").value === "") return;
  const column = Math.floor((Number($("probe-x").value) - left) / pixel), row = Math.floor((Number($("probe-y").value) - bottom) / pixel);
  if (column < 0 || column >= columns || row < 0 || row >= rows) {
    $("probe-value").textContent = `outside: x ${left.toFixed(1)} to ${right.toFixed(1)}, y ${bottom.toFixed(1)} to ${upper.toFixed(1)}`;
    return;
  }
  state.probe = { row, column };
  draw();
  showReadout();
  drawCharts();
}

// ---- tables

function cells(row, list) {
  for (const [text, number] of list) {
    const cell = row.insertCell();
    cell.textContent = text;
    if (number) cell.className = "number";
  }
}

function fillTables() {
  about.frames.forEach((frame, index) => {
    const point = about.curve[about.indices[index]], row = $("table").tBodies[0].insertRow();
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = index + 1;
    button.setAttribute("aria-label", `Show frame ${index + 1}`);
    button.onclick = () => { play(false); show(index); };
    row.insertCell().append(button);
    const hex = "0x" + frame.quality.toString(16).padStart(8, "0");
    cells(row, [
      [clockOf(frame.time)], [clockOf(frame.slot)], [frame.exposure.toFixed(4), true],
      [point.mean === null ? "" : grouped(point.mean.toPrecision(MEAN_DIGITS)), true], [(100 * point.saturated).toFixed(3), true],
      [`${hex}: ${frame.words.length ? frame.words.join("; ") : "nominal"}`], [frame.record],
    ]);
    cells($("files").tBodies[0].insertRow(), [[String(index + 1), true], [frame.file], [frame.sha256]]);
  });
  const some = about.frames.length === about.total ? `All ${about.total} frames are here` : `${about.frames.length} of ${about.total} frames, evenly chosen, are here`;
  const binned = about.factor === 1
    ? `at full resolution (${columns} × ${rows} pixels of ${about.pixel.toFixed(1)}″)`
    : `averaged over ${about.factor} × ${about.factor} pixels (${columns} × ${rows} of ${pixel.toFixed(1)}″; saturated if one of them is)`;
  $("provenance").textContent = `${some}, ${binned}. Values are level-1.5 brightness in DN/s, stored to 0.1 %, or 0.01 DN/s below 10 DN/s. `
    + `The light curve is of all frames at full precision. Grey is missing, ${about.saturated[0] > 200 ? "red" : "cyan"} is saturated. `
    + `This file is kept below ${about.megabytes} MB. Frames made from SDO data: courtesy of NASA/SDO and the AIA science team.`;
  if (about.synthetic) $("provenance").textContent = $("provenance").textContent.replace(/ Frames made from SDO data.*$/, " These frames come from a synthetic archive; they are not observations of the Sun.");
  $("header").textContent = about.header;
}

function markRow() {
  [...$("table").tBodies[0].rows].forEach((row, index) => {
    if (index === state.index) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  });
}

// ---- controls

function zoomBy(factor, at) {
  const before = geometry(), zoom = Math.min(Math.max(state.zoom * factor, 1), 40);
  const x = at ? at.x : MARGIN.left + before.wide / 2, y = at ? at.y : MARGIN.top + before.high / 2;
  const fixed = { x: (x - before.x0) / (columns * before.scale), y: (y - before.y0) / (rows * before.scale) };
  const scale = before.scale * zoom / state.zoom;
  state.zoom = zoom;
  state.x = fixed.x - (x - MARGIN.left) / (columns * scale);
  state.y = fixed.y - (y - MARGIN.top) / (rows * scale);
  draw();
}

function resetLimits() {
  [$("low").value, $("high").value] = about.limits.map((value) => Number(value.toPrecision(4)));
  restretch();
}

async function restretch() {
  const valid = Number($("high").value) > Number($("low").value);
  $("high").setCustomValidity(valid ? "" : "White must be brighter than black.");
  $("high").reportValidity();
  if (!valid) return;
  buildLookup();
  paint(await codesOf(state.index));
  draw();
}

$("play").onclick = () => play(!state.playing);
$("back").onclick = () => step(-1);
$("next").onclick = () => step(1);
$("first").onclick = () => { play(false); show(0); };
$("last").onclick = () => { play(false); show(about.frames.length - 1); };
$("slider").max = about.frames.length - 1;
$("slider").oninput = () => { play(false); show(Number($("slider").value)); };
for (const id of ["stretch", "low", "high"]) $(id).onchange = restretch;
$("reset-limits").onclick = resetLimits;
$("limb").onchange = draw;
$("zoom-in").onclick = () => zoomBy(1.5);
$("zoom-out").onclick = () => zoomBy(1 / 1.5);
$("zoom-reset").onclick = () => { state.zoom = 1; draw(); };
$("unpin").onclick = () => pin(null);
for (const id of ["probe-x", "probe-y"]) { $(id).step = pixel; $(id).onchange = pinTyped; }

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const tag = event.target.tagName;
  if (tag === "INPUT" && event.target.type !== "checkbox" && event.target.type !== "range" || tag === "SELECT") return;
  if (event.key === " " && (tag === "BUTTON" || tag === "SUMMARY" || tag === "INPUT")) return;
  const actions = {
    " ": () => play(!state.playing), ArrowLeft: () => step(-1), ArrowRight: () => step(1),
    Home: () => { play(false); show(0); }, End: () => { play(false); show(about.frames.length - 1); },
    "+": () => zoomBy(1.5), "=": () => zoomBy(1.5), "-": () => zoomBy(1 / 1.5), 0: () => { state.zoom = 1; draw(); },
  };
  if (!actions[event.key]) return;
  event.preventDefault();
  actions[event.key]();
});

let drag = null;
canvas.addEventListener("pointerdown", (event) => {
  drag = { x: event.clientX, y: event.clientY, moved: false };
  canvas.setPointerCapture(event.pointerId);
});
canvas.addEventListener("pointermove", (event) => {
  if (drag && (drag.moved || Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > 4)) {
    const view = geometry();
    state.x -= (event.clientX - drag.x) / (columns * view.scale);
    state.y -= (event.clientY - drag.y) / (rows * view.scale);
    drag = { x: event.clientX, y: event.clientY, moved: true };
    draw();
  }
  pointer = pixelAt(event);
  showReadout();
});
canvas.addEventListener("pointerup", (event) => {
  if (drag && !drag.moved) { const at = pixelAt(event); if (at) pin(at); }
  drag = null;
});
canvas.addEventListener("pointerleave", () => { pointer = null; showReadout(); });
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  const box = canvas.getBoundingClientRect();
  zoomBy(event.deltaY < 0 ? 1.25 : 0.8, { x: event.clientX - box.left, y: event.clientY - box.top });
}, { passive: false });
window.addEventListener("resize", () => { draw(); drawCharts(); });
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

$("swatch-saturated").style.background = `rgb(${about.saturated})`;
$("swatch-missing").style.background = "rgb(158, 158, 158)";
$("stretch").value = about.stretch;
[$("low").value, $("high").value] = about.limits.map((value) => Number(value.toPrecision(4)));
buildLookup();
fillTables();
show(0, false).then(drawCharts).then(() => { document.body.dataset.ready = "true"; });
