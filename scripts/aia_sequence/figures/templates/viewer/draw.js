// ---- drawing: picture, limb, grid, shapes, axes, brightness scale

const canvas = $("image");

function draw() {
  const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  if (!width || !height) return;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const style = getComputedStyle(document.body);
  drawPanels(canvas.getContext("2d"), width, height, ratio, style.color, style.backgroundColor);
}

function drawPanels(context, width, height, ratio, ink, paper) {
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.fillStyle = paper;
  context.fillRect(0, 0, width, height);
  for (const panel of panels(width, height)) {
    context.save();
    context.beginPath();
    context.rect(panel.clip.x, panel.clip.y, panel.clip.wide, panel.clip.high);
    context.clip();
    drawPicture(context, panel, ratio);
    if (state.limb) drawLimb(context, panel);
    if (state.grid) drawGrid(context, panel);
    drawShape(context, panel);
    if (about.synthetic) note(context, panel, "synthetic data");
    if (state.second) channelName(context, panel);
    context.restore();
    if (state.show === "divided" && panel.number === 1) divide(context, panel);
    if (state.show !== "divided" || panel.number === 0) {
      drawAxes(context, panel, ink);
      drawScale(context, panel, ink);
      if (state.bar) drawBar(context, panel);
    }
  }
}

function drawPicture(context, { sequence, at, scale, toX, toY }, ratio) {
  const size = sequence.pixel * scale, x = toX(at.left - at.x), low = toY(at.bottom - at.y);
  context.imageSmoothingEnabled = size * ratio < 1;
  context.drawImage(sequence.buffer, x, low - sequence.rows * size, sequence.columns * size, sequence.rows * size);
  if (!sequence.edges) return;
  context.save();
  context.translate(x, low);
  context.scale(size, -size);
  context.strokeStyle = `rgb(${sequence.about.saturated})`;
  context.lineWidth = 1.3 / size;
  context.stroke(sequence.edges);
  context.restore();
}

function drawLimb(context, { sequence, index, at, scale, toX, toY }) {
  const radius = sequence.about.frames[index].limb;
  if (!radius) return;
  context.lineWidth = 1;
  context.strokeStyle = "rgba(255, 255, 255, 0.75)";
  context.beginPath();
  context.arc(toX(-at.x), toY(-at.y), radius * scale, 0, 2 * Math.PI);
  context.stroke();
}

// The widest spacing that shows at least four lines across the panel.
function gridStep({ scale, box }, radius) {
  const degrees = Math.min(180, box.wide / scale / radius / DEGREE);
  return [30, 15, 10, 5, 2, 1].find((step) => degrees / step >= 4) ?? 1;
}

function drawGrid(context, panel) {
  const { observer, limb } = panel.sequence.about.frames[panel.index], { at, box, margin, toX, toY } = panel;
  if (!known(observer) || !limb) return;
  context.lineWidth = 1;
  context.strokeStyle = "rgba(255, 255, 255, 0.55)";
  context.setLineDash([3, 3]);
  const labels = [];
  for (const [text, points] of gridLines(observer, gridStep(panel, limb))) {
    context.beginPath();
    let inside = null, joined = false;
    for (const point of points) {
      if (!point) { joined = false; continue; }
      const x = toX(point[0] - at.x), y = toY(point[1] - at.y);
      if (joined) context.lineTo(x, y);
      else context.moveTo(x, y);
      joined = true;
      const seen = x > box.x + (margin.narrow ? 44 : 8) && x < box.x + box.wide - 40 && y > box.y + 16 && y < box.y + box.high - 34;
      if (seen && (!inside || x + y < inside[0] + inside[1])) inside = [x, y];
    }
    context.stroke();
    const free = inside && labels.every(([, x, y]) => Math.abs(x - inside[0]) > 36 || Math.abs(y - inside[1]) > 16);
    if (free) labels.push([text, ...inside]);
  }
  context.setLineDash([]);
  for (const [text, x, y] of labels) haloed(context, text, x + 3, y - 3, "left", "bottom");
}

// Text on the picture: white with a dark edge, whatever lies below.
function haloed(context, text, x, y, align, baseline, font = "11px system-ui, sans-serif") {
  Object.assign(context, { font, textAlign: align, textBaseline: baseline, lineWidth: 3, lineJoin: "round" });
  context.strokeStyle = "rgba(0, 0, 0, 0.7)";
  context.strokeText(text, x, y);
  context.fillStyle = "white";
  context.fillText(text, x, y);
}

function note(context, { box, margin }, text) {
  const y = margin.narrow ? box.y + 8 : box.y + box.high - 8;
  haloed(context, text, box.x + box.wide - 8, y, "right", margin.narrow ? "top" : "bottom", "600 13px system-ui, sans-serif");
}

function channelName(context, { sequence, number, box, margin }) {
  const right = state.show === "divided" && number === 1;
  haloed(context, `${sequence.about.channel} Å`, right ? box.x + box.wide - 8 : box.x + 8, box.y + (right && margin.narrow ? 26 : 8), right ? "right" : "left", "top", "600 14px system-ui, sans-serif");
}

function divide(context, { clip }) {
  context.fillStyle = "white";
  context.fillRect(clip.x - 1, clip.y, 2, clip.high);
}

// A bar of a round length in megametres, in the plane of the sky.
function drawBar(context, { sequence, index, scale, box, margin }) {
  const { observer } = sequence.about.frames[index];
  if (!Number.isFinite(observer.distance)) return;
  const perPixel = megametres(observer) / scale, length = roundStep(perPixel * box.wide / 4, 1) / 2;
  const rounded = roundStep(length, 1), wide = rounded / perPixel, x = box.x + 12, y = box.y + box.high - (margin.narrow ? 30 : 12);
  context.fillStyle = "rgba(0, 0, 0, 0.6)";
  context.fillRect(x - 2, y - 5, wide + 4, 7);
  context.fillStyle = "white";
  context.fillRect(x, y - 3, wide, 3);
  haloed(context, `${grouped(String(rounded))} Mm`, x + wide / 2, y - 6, "center", "bottom", "12px system-ui, sans-serif");
}

function drawShape(context, { at, toX, toY, sequence }) {
  const shape = state.drawing ?? state.shape;
  if (!shape) return;
  const points = shape.points.map(([x, y]) => [toX(x), toY(y)]), path = new Path2D();
  if (shape.tool === "pixel") {
    const [[x, y]] = points;
    for (const [a, b] of [[-14, -5], [5, 14]]) {
      path.moveTo(x + a, y); path.lineTo(x + b, y);
      path.moveTo(x, y + a); path.lineTo(x, y + b);
    }
  } else if (shape.tool === "box") {
    const [[x0, y0], [x1, y1]] = points;
    path.rect(Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0));
  } else {
    points.forEach(([x, y], i) => i ? path.lineTo(x, y) : path.moveTo(x, y));
    if (shape.tool === "outline") path.closePath();
  }
  for (const [colour, width] of [["black", 3], ["white", 1.3]]) {
    Object.assign(context, { strokeStyle: colour, lineWidth: width });
    context.stroke(path);
  }
  if (shape.tool === "slit") haloed(context, "0″", ...points[0], "center", "bottom");
}
