// ---- pointer, fingers and wheel on the image: move, zoom, read, measure

// One pointer moves a zoomed picture, or draws with the chosen tool; two fingers move and zoom. With the whole region in
// view a single finger scrolls the page, so that nobody is caught in the picture (see `touch-action` in the style).
const fingers = new Map();
let gesture = null, hover = null;

const placeOf = (event) => { const box = canvas.getBoundingClientRect(); return { x: event.clientX - box.left, y: event.clientY - box.top }; };
const middle = () => {
  const [a, b] = [...fingers.values()];
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, apart: Math.hypot(a.x - b.x, a.y - b.y) || 1 };
};

canvas.addEventListener("pointerdown", (event) => {
  const at = placeOf(event), place = under(at.x, at.y);
  fingers.set(event.pointerId, at);
  canvas.setPointerCapture(event.pointerId);
  if (fingers.size === 2) { gesture = { pinch: middle() }; state.drawing = null; return; }
  if (fingers.size > 2 || !place) return;
  const draws = state.tool !== "pixel";
  gesture = { start: at, last: at, moved: false, draws };
  if (draws) state.drawing = { tool: state.tool, points: [[place.x, place.y], [place.x, place.y]] };
});

canvas.addEventListener("pointermove", (event) => {
  const at = placeOf(event);
  if (fingers.has(event.pointerId)) fingers.set(event.pointerId, at);
  if (gesture?.pinch && fingers.size === 2) {
    const now = middle(), { pinch } = gesture;
    panBy(now.x - pinch.x, now.y - pinch.y);
    zoomBy(now.apart / pinch.apart, now.x, now.y);
    gesture.pinch = now;
  } else if (gesture?.start) {
    gesture.moved ||= Math.hypot(at.x - gesture.start.x, at.y - gesture.start.y) > 4;
    if (gesture.moved && gesture.draws) extend(at);
    else if (gesture.moved) panBy(at.x - gesture.last.x, at.y - gesture.last.y);
    if (gesture.moved) gesture.last = at;
  }
  hover = at;
  readOut();
});

// The shape that is being drawn reaches to a place of the canvas.
function extend(at) {
  const place = under(at.x, at.y);
  if (!place || !state.drawing) return;
  if (state.drawing.tool === "outline") state.drawing.points.push([place.x, place.y]);
  else state.drawing.points[1] = [place.x, place.y];
  draw();
}

function lift(event) {
  fingers.delete(event.pointerId);
  if (event.type === "pointerup" && gesture?.start) {
    const place = under(gesture.start.x, gesture.start.y);
    if (gesture.moved && gesture.draws && state.drawing) measure(simplified(state.drawing));
    else if (!gesture.moved && place && state.tool === "pixel") measure({ tool: "pixel", points: [[place.x, place.y]] });
  }
  state.drawing = null;
  if (fingers.size === 0) gesture = null;
  draw();
}
canvas.addEventListener("pointerup", lift);
canvas.addEventListener("pointercancel", lift);
canvas.addEventListener("pointerleave", () => { hover = null; readOut(); });
// A browser would take two fingers for itself before they have moved far.
canvas.addEventListener("touchstart", (event) => { if (event.touches.length > 1) event.preventDefault(); }, { passive: false });
canvas.addEventListener("touchmove", (event) => { if (event.touches.length > 1) event.preventDefault(); }, { passive: false });

// A mouse's wheel and a pinch on a trackpad zoom; two fingers on a trackpad move the picture. A wheel turns in notches of
// 120, and the browser reports a pinch as a wheel with the control key.
canvas.addEventListener("wheel", (event) => {
  event.preventDefault();
  const at = placeOf(event), notches = event.deltaX === 0 && (event.deltaMode !== 0 || event.wheelDeltaY % 120 === 0);
  if (event.ctrlKey) zoomBy(Math.exp(-event.deltaY / 100), at.x, at.y);
  else if (notches) zoomBy(event.deltaY < 0 ? 1.25 : 0.8, at.x, at.y);
  else panBy(-event.deltaX, -event.deltaY);
}, { passive: false });

// ---- what is measured

// A hand's line has a point for each movement: those closer than a pixel to the last are left out.
function simplified({ tool, points }) {
  if (tool !== "outline") return { tool, points };
  const kept = [points[0]];
  for (const point of points) {
    const [x, y] = kept[kept.length - 1];
    if (Math.hypot(point[0] - x, point[1] - y) >= first.pixel) kept.push(point);
  }
  return { tool, points: kept };
}

function measure(shape) {
  const valid = shape && shape.points.length >= FEWEST[shape.tool] && (shape.tool !== "slit" || Math.hypot(shape.points[1][0] - shape.points[0][0], shape.points[1][1] - shape.points[0][1]) > 0);
  state.shape = valid ? shape : null;
  writePoints();
  draw();
  describe();
  remember();
  return drawCharts();
}

// The points as they are typed: x, y in arcsec, pairs separated by semicolons or spaces.
function writePoints() {
  const at = first.place(state.index);
  $("points").value = state.shape ? state.shape.points.map(([x, y]) => `${(at.x + x).toFixed(1)},${(at.y + y).toFixed(1)}`).join(" ") : "";
  $("points").setCustomValidity("");
}

function typedPoints() {
  const numbers = $("points").value.match(/[-\u2212]?\d+(\.\d*)?/g)?.map((text) => Number(text.replace("\u2212", "-"))) ?? [];
  const at = first.place(state.index), pairs = Array.from({ length: Math.floor(numbers.length / 2) }, (_, i) => [numbers[2 * i] - at.x, numbers[2 * i + 1] - at.y]);
  if (!pairs.length) { measure(null); return; }
  const fewest = FEWEST[state.tool], points = state.tool === "outline" ? pairs : pairs.slice(0, fewest);
  const outside = points.find(([x, y]) => !first.pixelAt(x, y, state.index));
  const wrong = points.length < fewest ? `A ${state.tool} has ${fewest} points: x,y x,y` : outside ? `Outside of the region: x ${(at.x - at.wide / 2).toFixed(1)} to ${(at.x + at.wide / 2).toFixed(1)}, y ${(at.y - at.high / 2).toFixed(1)} to ${(at.y + at.high / 2).toFixed(1)}` : "";
  $("points").setCustomValidity(wrong);
  $("measured-value").textContent = wrong;
  if (!wrong) measure({ tool: state.tool, points });
}

// ---- values in words

function valueAt(sequence, index, x, y) {
  const place = sequence.pixelAt(x, y, index);
  if (!place || !sequence.shown) return { value: NaN, text: "outside" };
  const i = place.row * sequence.columns + place.column, value = sequence.shown.numbers[i];
  const text = Number.isNaN(value) ? "missing" : `${group(value, PIXEL_DIGITS)}${state.kind === "ratio" ? "" : " DN/s"}`;
  return { value, text: `${text}${sequence.shown.saturated?.[i] ? " (saturated)" : ""}` };
}

function readOut() {
  const place = hover && under(hover.x, hover.y);
  if (!place || !place.panel.sequence.pixelAt(place.x, place.y, place.panel.index)) {
    $("readout").textContent = "Point at the image for values.";
    $("readout").dataset.value = "";
    return;
  }
  const { sequence, index, at } = place.panel, pixel = sequence.pixelAt(place.x, place.y, index);
  // Of the pixel's middle, whose brightness it is.
  const x = at.left + (pixel.column + 0.5) * sequence.pixel, y = at.bottom + (pixel.row + 0.5) * sequence.pixel;
  const { value, text } = valueAt(sequence, index, place.x, place.y), sun = placeOnSun(x, y, sequence.about.frames[index]);
  $("readout").textContent = `x ${minus(x.toFixed(1))}″, y ${minus(y.toFixed(1))}″: ${text}${sun ? `; ${sun}` : ""}`;
  $("readout").dataset.value = String(value);
}

function describe() {
  readOut();
  const { shape } = state;
  const found = shape?.tool === "pixel" ? valueAt(first, state.index, ...shape.points[0]) : null;
  $("measured-value").textContent = found ? found.text : shape ? shapeWords(shape) : "";
  $("measured-value").dataset.value = found ? String(found.value) : "";
}

function shapeWords({ tool, points }) {
  if (tool !== "slit") return "";
  const length = Math.hypot(points[1][0] - points[0][0], points[1][1] - points[0][1]), { observer } = about.frames[state.index];
  return `${length.toFixed(1)}″ long${Number.isFinite(observer.distance) ? `, ${(length * megametres(observer)).toFixed(1)} Mm in the plane of the sky` : ""}`;
}
