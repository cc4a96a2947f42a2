// ---- axes in arcsec and the brightness scale

function drawAxes(context, { box, at, margin, toX, toY, fromX, fromY }, ink) {
  Object.assign(context, { fillStyle: ink, strokeStyle: ink, lineWidth: 1, font: "12px system-ui, sans-serif" });
  if (!margin.narrow) context.strokeRect(box.x, box.y, box.wide, box.high);
  const low = box.y + box.high, [x0, x1] = [box.x, box.x + box.wide].map((x) => at.x + fromX(x)), [y0, y1] = [low, box.y].map((y) => at.y + fromY(y));
  const ticks = (from, to, most) => between(from, to, roundStep(to - from, Math.max(1, most)));
  const across = ticks(x0, x1, box.wide / 90), upright = ticks(y0, y1, box.high / 70);
  if (margin.narrow) { insideTicks(context, box, across.map((v) => [v, toX(v - at.x)]), upright.map((v) => [v, toY(v - at.y)])); return; }
  context.beginPath();
  Object.assign(context, { textAlign: "center", textBaseline: "top" });
  for (const value of across) {
    const x = toX(value - at.x);
    context.moveTo(x, low); context.lineTo(x, low + 4);
    context.fillText(minus(String(value)), x, low + 7);
  }
  context.fillText("Solar X (arcsec)", box.x + box.wide / 2, low + 25);
  Object.assign(context, { textAlign: "right", textBaseline: "middle" });
  for (const value of upright) {
    const y = toY(value - at.y);
    context.moveTo(box.x, y); context.lineTo(box.x - 4, y);
    context.fillText(minus(String(value)), box.x - 7, y);
  }
  context.stroke();
  sideways(context, "Solar Y (arcsec)", box.x - 46, box.y + box.high / 2);
}

// On a phone the picture takes the full width: ticks and their labels lie on it.
function insideTicks(context, box, across, upright) {
  const low = box.y + box.high;
  context.strokeStyle = "white";
  context.beginPath();
  for (const [, x] of across) { context.moveTo(x, low); context.lineTo(x, low - 5); }
  for (const [, y] of upright) { context.moveTo(box.x, y); context.lineTo(box.x + 5, y); }
  context.stroke();
  for (const [value, x] of across) if (x > box.x + 40 && x < box.x + box.wide - 20) haloed(context, minus(String(value)) + "″", x, low - 7, "center", "bottom");
  for (const [value, y] of upright) if (y < low - 50 && y > box.y + 30) haloed(context, minus(String(value)) + "″", box.x + 8, y, "left", "middle");
}

function sideways(context, text, x, y) {
  context.save();
  context.translate(x, y);
  context.rotate(-Math.PI / 2);
  Object.assign(context, { textAlign: "center", textBaseline: "middle" });
  context.fillText(text, 0, 0);
  context.restore();
}

// Round numbers for the scale whose labels keep `gap` of its length apart.
function scaleTicks(limits, gap) {
  const [low, high] = limits, taken = [], candidates = state.kind === "ratio" ? [1, 0.5, 2, 0.8, 1.25, 0.2, 5, 0.1, 10] : [0];
  if (state.kind === "brightness") for (const factor of [1, 5, 2]) for (let power = -2; power < 8; power++) candidates.push(factor * 10 ** power);
  const add = (value) => {
    const at = stretched(value, limits);
    if (value >= low && value <= high && !taken.some(([, other]) => Math.abs(other - at) < gap)) taken.push([value, at]);
  };
  candidates.forEach(add);
  // A narrow range between 1, 2 and 5 is labelled in even steps, coarse ones first.
  if (taken.length < 3) for (const count of [2, 4, 8, 16]) between(low, high, roundStep(high - low, count)).forEach(add);
  return taken.map(([value, at]) => [grouped(String(Number(value.toPrecision(12)))), at]);
}

function drawScale(context, { sequence, box, margin }, ink) {
  const limits = limitsOf(sequence), colours = coloursOf(sequence), length = margin.narrow ? box.wide - 100 : box.high;
  const bar = margin.narrow ? { x: box.x + 6, y: box.y + box.high + 6 } : { x: box.x + box.wide + 10, y: box.y };
  for (let line = 0; line < length; line++) {
    const level = margin.narrow ? line / length : 1 - line / length;
    context.fillStyle = `rgb(${colours[Math.round(255 * level)]})`;
    if (margin.narrow) context.fillRect(bar.x + line, bar.y, 1.5, 12);
    else context.fillRect(bar.x, bar.y + line, 14, 1.5);
  }
  Object.assign(context, { strokeStyle: ink, fillStyle: ink, lineWidth: 1, font: "12px system-ui, sans-serif" });
  context.strokeRect(bar.x, bar.y, margin.narrow ? length : 14, margin.narrow ? 12 : length);
  const ticks = scaleTicks(limits, (margin.narrow ? 48 : 22) / length);
  if (margin.narrow) {
    Object.assign(context, { textAlign: "center", textBaseline: "top" });
    for (const [text, at] of ticks) context.fillText(text, Math.max(bar.x + 8, bar.x + at * length), bar.y + 15);
    context.textAlign = "right";
    context.fillText(scaleName(state.kind).replace(" per pixel", ""), box.x + box.wide - 6, bar.y);
    return;
  }
  Object.assign(context, { textAlign: "left", textBaseline: "middle" });
  for (const [text, at] of ticks) context.fillText(text, bar.x + 18, bar.y + length * (1 - at));
  sideways(context, scaleName(state.kind), bar.x + 66, bar.y + length / 2);
}
