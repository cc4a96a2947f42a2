// ---- light curves, and the time axis that they share with the time-distance picture

const SVG = "http://www.w3.org/2000/svg";
const GAP = 2.5;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 432000];
const curveTimes = about.curve.map((point) => point.tai);
let chartLeft = 70;
const cursors = new Map();

function add(parent, name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  parent.append(element);
  return element;
}

function timeAxis(width, left) {
  const right = 14, t0 = curveTimes[0], t1 = curveTimes[curveTimes.length - 1], span = t1 - t0 || 1, room = width - left - right - 12;
  const x = (time) => left + 6 + (time - t0) / span * room, every = STEPS.find((size) => size >= span / (width / 110)) || 864000;
  const ticks = between(t0 - stepAt(t0)[1], t1 - stepAt(t1)[1], every).map((utc) => {
    const text = utcText(taiOf(utc));
    return [every < 86400 ? text.slice(11, every < 60 ? 19 : 16) : text.slice(5, 10), x(taiOf(utc))];
  });
  const time = (at) => t0 + (at - left - 6) / room * span;
  return { left, right, t0, t1, x, time, ticks, title: `Time (UTC), from ${about.curve[0].time.slice(0, 10)}` };
}

// Draw points, {time, value, error, hot} at times, into an element.
function chart(svg, times, points, unit, digits) {
  svg.replaceChildren();
  cursors.delete(svg);
  const width = svg.clientWidth || 800, height = svg.clientHeight || 150;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const known = points.map((point) => point.value).filter((value) => value !== null && Number.isFinite(value));
  if (!known.length) return;
  const low = Math.min(...known), high = Math.max(...known), room = (high - low || Math.abs(high) || 1) * 0.08;
  // As many decimals as the distance of two rungs asks for, so that no two have one label.
  const rung = roundStep(high - low + 2 * room, height < 140 ? 3 : 4), decimals = Math.max(0, Math.ceil(-Math.log10(rung) - 1e-9));
  const rungs = between(low - room, high + room, rung).map((value) => [value, grouped(value.toFixed(decimals))]);
  const left = Math.max(70, 28 + 7 * Math.max(...rungs.map(([, text]) => text.length))), axis = timeAxis(width, left);
  if (svg.id === "curve") chartLeft = left;
  const marks = [...Object.entries(about.marks), ...(about.peak ? [["peak", about.peak]] : [])]
    .filter(([, at]) => at >= axis.t0 && at <= axis.t1).sort((a, b) => a[1] - b[1]);
  // Names of marks stand above the curve, the unit beside the longest label.
  const box = { top: 10 + 12 * Math.min(marks.length, 4), bottom: height - 36 };
  const y = (value) => box.bottom - (value - low + room) / (high - low + 2 * room) * (box.bottom - box.top);
  add(svg, "path", { class: "axis", d: `M${left} ${box.top}V${box.bottom}H${width - axis.right}` });
  for (const [value, text] of rungs) add(svg, "text", { class: "rung", x: left - 6, y: y(value) + 4, "text-anchor": "end" }, text);
  for (const [text, at] of axis.ticks) {
    add(svg, "text", { x: at, y: box.bottom + 15, "text-anchor": "middle" }, text);
    add(svg, "path", { class: "axis", d: `M${at} ${box.bottom}v4` });
  }
  add(svg, "text", { x: (left + width) / 2, y: height - 4, "text-anchor": "middle" }, axis.title);
  add(svg, "text", { "text-anchor": "middle", transform: `translate(13 ${(box.bottom + box.top) / 2}) rotate(-90)` }, unit);
  marks.forEach(([name, at], line) => {
    const late = axis.x(at) > width - 150;
    add(svg, "path", { class: "mark", d: `M${axis.x(at)} ${4 + 12 * (line % 4)}V${box.bottom}` });
    add(svg, "text", { x: axis.x(at) + (late ? -4 : 4), y: 12 + 12 * (line % 4), "text-anchor": late ? "end" : "start" },
      `${name} ${utcText(Math.round(at)).slice(11, 19)}`);
  });
  const gap = GAP * median(times.slice(1).map((time, i) => time - times[i]));
  let path = "";
  points.forEach((point, i) => {
    if (point.value === null || !Number.isFinite(point.value)) return;
    const joined = path && times[i] - times[i - 1] <= gap && Number.isFinite(points[i - 1].value ?? NaN), x = axis.x(times[i]);
    path += `${joined ? "L" : "M"}${x.toFixed(1)} ${y(point.value).toFixed(1)}`;
    if (point.error) add(svg, "path", { class: "error", d: `M${x} ${y(point.value - point.error)}V${y(point.value + point.error)}` });
    const dot = add(svg, "circle", { class: "dot", cx: x, cy: y(point.value), r: points.length > 100 ? 1.4 : 2.6 });
    add(dot, "title", {}, `${clockOf(point.time)}: ${group(point.value, digits)} DN/s`);
    if (point.hot) add(svg, "circle", { class: "hot", cx: x, cy: y(point.value), r: 5 });
  });
  add(svg, "path", { class: "line", d: path });
  const cursor = add(svg, "path", { class: "cursor" });
  cursors.set(svg, () => cursor.setAttribute("d", `M${axis.x(first.times[state.index])} ${box.top}V${box.bottom}`));
  svg.onclick = (event) => jump(svg, event, left);
}

// A click on a chart shows the frame nearest to the time there.
function jump(element, event, left) {
  const bounds = element.getBoundingClientRect();
  play(false);
  show(nearest(first.times, timeAxis(bounds.width, left).time(event.clientX - bounds.left)));
}

function moveCursors() {
  for (const move of cursors.values()) move();
  drawDistance();
}

let measuring = 0;

// Measure the shape, and draw what comes of it.
async function drawCharts() {
  const mine = ++measuring, { shape } = state;
  const points = shape && shape.tool !== "slit" ? await curveOf(shape) : null;
  const distance = shape?.tool === "slit" ? await timeDistance(shape) : null;
  if (mine !== measuring) return;
  Object.assign(state, { points, distance });
  renderCharts();
}

// The region's light curve, and the shape's: its light curve, or the time-distance picture of a slit.
function renderCharts() {
  const { shape, points, distance } = state;
  chart($("curve"), curveTimes, about.curve.map((point) => ({ ...point, value: point.mean, hot: point.saturated > 0 })), "Mean (DN/s)", MEAN_DIGITS);
  $("measured-box").hidden = !shape;
  $("measured").style.display = points ? "" : "none";
  $("distance").hidden = !distance;
  $("save-distance").hidden = !distance;
  if (points) {
    const digits = shape.tool === "pixel" ? PIXEL_DIGITS : MEAN_DIGITS;
    $("measured-title").textContent = `Light curve of the ${shape.tool}${shape.tool === "pixel" ? "" : `, ${grouped(String(pixelsIn(shape, first, state.index).length))} pixels`}`;
    chart($("measured"), first.times, points, shape.tool === "pixel" ? "DN/s" : "Mean (DN/s)", digits);
  }
  if (distance) $("measured-title").textContent = `Time–distance along the slit, ${KIND_NAMES[state.kind].toLowerCase()}`;
  moveCursors();
}
