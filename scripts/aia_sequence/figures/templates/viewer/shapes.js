// ---- what is measured: a pixel, a box, an outline, a slit

// Points are offsets in arcsec from the region's middle.
const TOOLS = { pixel: "pixel", box: "box", outline: "outline", slit: "slit" };
const FEWEST = { pixel: 1, box: 2, outline: 3, slit: 2 };

// Indices of the pixels whose middles lie in a shape.
function pixelsIn(shape, sequence, index) {
  const at = sequence.place(index), { rows, columns, pixel } = sequence, found = [];
  const points = shape.points.map(([x, y]) => [(at.x + x - at.left) / pixel - 0.5, (at.y + y - at.bottom) / pixel - 0.5]);
  if (shape.tool === "pixel") {
    const place = sequence.pixelAt(...shape.points[0], index);
    return place ? [place.row * columns + place.column] : [];
  }
  const xs = points.map(([x]) => x), ys = points.map(([, y]) => y);
  const corners = [[Math.min(...xs), Math.min(...ys)], [Math.max(...xs), Math.min(...ys)], [Math.max(...xs), Math.max(...ys)], [Math.min(...xs), Math.max(...ys)]];
  const polygon = shape.tool === "box" ? corners : points;
  for (let row = Math.max(0, Math.ceil(Math.min(...ys))); row <= Math.min(rows - 1, Math.max(...ys)); row++) {
    for (const [from, to] of crossings(polygon, row)) {
      for (let column = Math.max(0, Math.ceil(from)); column <= Math.min(columns - 1, to); column++) found.push(row * columns + column);
    }
  }
  return found;
}

// Where a row runs inside a polygon: pairs of columns. A box's upper edge belongs to it.
function crossings(polygon, row) {
  const at = [];
  const top = Math.max(...polygon.map(([, y]) => y)), line = row === top ? row - 1e-9 : row;
  polygon.forEach(([x0, y0], i) => {
    const [x1, y1] = polygon[(i + 1) % polygon.length];
    if ((y0 <= line) !== (y1 <= line)) at.push(x0 + (line - y0) / (y1 - y0) * (x1 - x0));
  });
  at.sort((a, b) => a - b);
  return Array.from({ length: at.length / 2 }, (_, i) => [at[2 * i], at[2 * i + 1]]);
}

// Mean brightness over the measured pixels of a shape in each frame.
async function curveOf(shape) {
  const points = [];
  for (let index = 0; index < first.times.length; index++) {
    const { codes, values, saturated } = await first.frame(index);
    let sum = 0, measured = 0, hot = 0;
    const inside = pixelsIn(shape, first, index);
    for (const i of inside) {
      if (saturated?.[i]) hot++;
      if (codes[i]) { sum += values[codes[i]]; measured++; }
    }
    points.push({ time: about.frames[index].time, value: measured ? sum / measured : null, pixels: measured, hot: hot > 0, saturated: inside.length ? hot / inside.length : 0 });
  }
  return points;
}

// ---- slit: numbers of the shown picture along a line, averaged across its width

function slitPlaces(shape, sequence, index) {
  const at = sequence.place(index), { pixel } = sequence, [[x0, y0], [x1, y1]] = shape.points;
  const length = Math.hypot(x1 - x0, y1 - y0), count = Math.max(2, Math.round(length / pixel) + 1);
  const lines = Math.max(1, Math.round(state.width / pixel)), [alongX, alongY] = [(x1 - x0) / length, (y1 - y0) / length];
  return Array.from({ length: count }, (_, k) => Array.from({ length: lines }, (_, line) => {
    const along = k / (count - 1) * length, across = (line - (lines - 1) / 2) * pixel;
    return [
      (at.x + x0 + along * alongX - across * alongY - at.left) / pixel - 0.5,
      (at.y + y0 + along * alongY + across * alongX - at.bottom) / pixel - 0.5,
    ];
  }));
}

// Bilinear; NaN where one of the four pixels is missing or outside.
function sample(numbers, { rows, columns }, x, y) {
  const column = Math.min(Math.floor(x), columns - 2), row = Math.min(Math.floor(y), rows - 2);
  if (column < 0 || row < 0 || x > columns - 1 || y > rows - 1) return NaN;
  const i = row * columns + column, dx = x - column, dy = y - row;
  const low = numbers[i] * (1 - dx) + (dx && numbers[i + 1] * dx);
  const high = dy && numbers[i + columns] * (1 - dx) + (dx && numbers[i + columns + 1] * dx);
  return low * (1 - dy) + (dy && high * dy);
}

// The time-distance picture: a list of numbers along the slit for each frame.
async function timeDistance(shape) {
  const columns = [];
  for (let index = 0; index < first.times.length; index++) {
    const { numbers } = await pictureOf(first, index);
    columns.push(slitPlaces(shape, first, index).map((across) => {
      const found = across.map(([x, y]) => sample(numbers, first, x, y)).filter((value) => !Number.isNaN(value));
      return found.length ? found.reduce((a, b) => a + b) / found.length : NaN;
    }));
  }
  const [[x0, y0], [x1, y1]] = shape.points;
  return { columns, length: Math.hypot(x1 - x0, y1 - y0) };
}

// Begin and end of the time that a frame stands for: half way to its neighbours, as long as they are no gap away.
function spans(times) {
  const steps = times.slice(1).map((time, i) => time - times[i]), most = steps.length ? GAP * median(steps) : 12;
  const usual = steps.length ? median(steps) / 2 : 6, half = (step) => step === undefined || step > most ? usual : step / 2;
  return times.map((time, i) => [time - half(steps[i - 1]), time + half(steps[i])]);
}

function drawDistance() {
  const box = $("distance"), found = state.distance;
  if (!found || !box.clientWidth) return;
  const ratio = window.devicePixelRatio || 1, width = box.clientWidth, height = box.clientHeight, context = box.getContext("2d");
  box.width = Math.round(width * ratio);
  box.height = Math.round(height * ratio);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const axis = timeAxis(width, chartLeft), ink = getComputedStyle(document.body).color, low = height - 34, high = low - 4;
  const colour = stretchTable(first), count = found.columns[0].length, raster = new ImageData(1, count);
  const words = new Int32Array(raster.data.buffer), strip = document.createElement("canvas");
  [strip.width, strip.height] = [1, count];
  context.imageSmoothingEnabled = false;
  spans(first.times).forEach(([begin, end], index) => {
    found.columns[index].forEach((value, k) => { words[count - 1 - k] = Number.isNaN(value) ? packColour(MISSING) : colour(value); });
    strip.getContext("2d").putImageData(raster, 0, 0);
    const x = Math.max(axis.x(begin), axis.left);
    context.drawImage(strip, x, 4, Math.min(axis.x(end), width - axis.right) - x + 0.5, high);
  });
  Object.assign(context, { fillStyle: ink, strokeStyle: ink, font: "11px system-ui, sans-serif", textAlign: "right", textBaseline: "middle" });
  context.strokeRect(axis.left, 4, width - axis.left - axis.right, high);
  for (const value of between(0, found.length, roundStep(found.length, 3))) context.fillText(String(value), axis.left - 6, low - value / found.length * high);
  sideways(context, "Distance (arcsec)", 13, 4 + high / 2);
  Object.assign(context, { textAlign: "center", textBaseline: "top" });
  for (const [text, x] of axis.ticks) context.fillText(text, x, low + 5);
  context.fillText(axis.title, (axis.left + width) / 2, low + 19);
  context.fillStyle = "white";
  context.fillRect(axis.x(first.times[state.index]) - 1, 4, 2, high);
}
